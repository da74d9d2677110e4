"""What goes wrong with a file, by the exception that Hadoop's clients know it as.

LakeError
├── NotThere        there is no such file or folder
├── Denied          the role may not
├── Exists          there is one already
├── NotEmpty        a folder that holds something is not deleted without what it holds
└── NotPossible     what S3 has not: appending, permissions
"""


class LakeError(Exception):
    """java: the exception's class in Java. status: of the answer."""

    java = "java.io.IOException"
    status = 500


class NotThere(LakeError):
    java = "java.io.FileNotFoundException"
    status = 404


class Denied(LakeError):
    java = "org.apache.hadoop.security.AccessControlException"
    status = 403


class Exists(LakeError):
    java = "org.apache.hadoop.fs.FileAlreadyExistsException"
    status = 403


class NotEmpty(LakeError):
    java = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException"
    status = 403


class NotPossible(LakeError):
    java = "java.lang.UnsupportedOperationException"
    status = 400
