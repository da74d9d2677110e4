"""Writers of objects: plain ones, versions, uploads in parts."""

from tests.journeys.crash import Writer, content

MIB = 1 << 20
SMALL = (0, 1, 700, 16_383, 16_384, 16_385, 200_000)
"""Around the size where bytes go into files of their own."""
LARGE = (MIB, 3 * MIB + 1, 8 * MIB, 12 * MIB)


class Objects(Writer):
    """Puts, copies and deletes in a bucket without versions."""

    bucket, sizes, keys = "plain", SMALL, 12

    def connect(self, lakemill):
        self.s3 = lakemill.client("s3")
        if not hasattr(self, "truth"):
            self.truth = {}
            self.prefix = f"w{self.draw.getrandbits(32)}/"

    def step(self):
        key = f"{self.prefix}{self.draw.randrange(self.keys)}"
        place = {"Bucket": self.bucket, "Key": key}
        kind = self.draw.random()
        others = sorted(self.truth.keys() - {key})
        if kind < 0.65 or not others:
            spec = self.spec(self.sizes)
            self.pending = (key, spec)
            self.s3.put_object(**place, Body=content(spec))
            self.truth[key] = spec
        elif kind < 0.8:
            source = self.draw.choice(others)
            self.pending = (key, self.truth[source])
            self.s3.copy_object(**place, CopySource={"Bucket": self.bucket, "Key": source})
            self.truth[key] = self.truth[source]
        else:
            self.pending = (key, None)
            if kind < 0.9:
                self.s3.delete_object(**place)
            else:
                self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key}]})
            self.truth.pop(key, None)

    def check(self):
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix).get("Contents", [])
        found = {one["Key"]: one["Size"] for one in listed}
        if self.pending:
            key, spec = self.pending
            body = self.read(key) if key in found else None
            if body == (None if spec is None else content(spec)):
                self.truth.pop(key, None)
                if spec:
                    self.truth[key] = spec
        assert found == {key: size for key, (_, size) in self.truth.items()}
        for key, spec in self.truth.items():
            assert self.read(key) == content(spec), f"{key} holds other bytes"

    def read(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()


class Versions(Writer):
    """Puts, deletes, and deletes for good in a versioned bucket."""

    bucket, keys, kept_max = "versioned", 4, 5

    def connect(self, lakemill):
        self.s3 = lakemill.client("s3")
        if not hasattr(self, "truth"):
            self.truth = {f"v/{number}": [] for number in range(self.keys)}
            """Versions of each key, newest first: (id, what it holds or None for a delete marker)."""

    def step(self):
        key = self.draw.choice(sorted(self.truth))
        versions, place = self.truth[key], {"Bucket": self.bucket, "Key": key}
        if len(versions) >= self.kept_max:
            chosen = self.draw.choice(versions)
            self.pending = (key, "without", chosen)
            self.s3.delete_object(**place, VersionId=chosen[0])
            versions.remove(chosen)
        elif self.draw.random() < 0.7:
            spec = self.spec((*SMALL, 2 * MIB))
            self.pending = (key, "with", spec)
            versions.insert(0, (self.s3.put_object(**place, Body=content(spec))["VersionId"], spec))
        else:
            self.pending = (key, "with", None)
            versions.insert(0, (self.s3.delete_object(**place)["VersionId"], None))

    def check(self):
        for key, versions in self.truth.items():
            listed = self.s3.list_object_versions(Bucket=self.bucket, Prefix=key)
            found = [(one["VersionId"], one["IsLatest"]) for one in listed.get("Versions", [])]
            markers = [(one["VersionId"], one["IsLatest"]) for one in listed.get("DeleteMarkers", [])]
            if self.pending and self.pending[0] == key:
                self._settle(versions, {one[0] for one in found + markers})
            assert {one[0] for one in found} == {name for name, spec in versions if spec}
            assert {one[0] for one in markers} == {name for name, spec in versions if not spec}
            assert [one[0] for one in found + markers if one[1]] == [name for name, _ in versions[:1]]
            for name, spec in versions:
                if spec:
                    body = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=name)["Body"].read()
                    assert body == content(spec), f"version {name} of {key} holds other bytes"

    def _settle(self, versions, there):
        _, how, what = self.pending
        if how == "without":
            if what[0] not in there:
                versions.remove(what)
        elif new := there - {name for name, _ in versions}:
            (name,) = new
            versions.insert(0, (name, what))


class Multipart(Writer):
    """Uploads in parts, carried on after a crash where they were."""

    bucket = "plain"

    def connect(self, lakemill):
        self.s3 = lakemill.client("s3")
        if not hasattr(self, "done"):
            self.done, self.upload, self.count = {}, None, 0

    def step(self):
        if self.upload is None:
            key = f"parts/{self.count}"
            self.pending, self.count = ("begin", key), self.count + 1
            name = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
            self.upload, self.parts = {"Bucket": self.bucket, "Key": key, "UploadId": name}, []
        elif len(self.parts) < 2:
            spec = self.spec((5 * MIB,) if not self.parts else (1, 300_000))
            self.pending = ("part", spec)
            number = len(self.parts) + 1
            etag = self.s3.upload_part(**self.upload, PartNumber=number, Body=content(spec))["ETag"]
            self.parts.append((spec, etag))
        elif self.draw.random() < 0.2:
            self.pending = ("abort", None)
            self.s3.abort_multipart_upload(**self.upload)
            self.upload = None
        else:
            self.pending = ("complete", None)
            self._complete()

    def _complete(self):
        parts = [{"PartNumber": number, "ETag": etag} for number, (_, etag) in enumerate(self.parts, 1)]
        self.s3.complete_multipart_upload(**self.upload, MultipartUpload={"Parts": parts})
        self.done[self.upload["Key"]] = [spec for spec, _ in self.parts]
        self.upload = None
        if len(self.done) > 3:
            key = next(iter(self.done))
            self.pending = ("drop", key)
            self.s3.delete_object(Bucket=self.bucket, Key=key)
            del self.done[key]

    def check(self):
        what, detail = self.pending or (None, None)
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="parts/").get("Contents", [])
        found = {one["Key"] for one in listed}
        if what == "drop" and detail not in found:
            del self.done[detail]
        uploads = {one["UploadId"] for one in self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])}
        if self.upload and what == "abort" and self.upload["UploadId"] not in uploads:
            self.upload = None
        elif self.upload and what == "complete":
            assert (self.upload["UploadId"] in uploads) != (self.upload["Key"] in found)
            self._complete()  # Whether or not it was done already: asking again says the same.
            found = set(self.done)
        elif self.upload:
            self._check_parts()
        assert found == set(self.done)
        for key, specs in self.done.items():
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            assert body == b"".join(map(content, specs)), f"{key} holds other bytes"

    def _check_parts(self):
        listed = self.s3.list_parts(**self.upload).get("Parts", [])
        etags = [one["ETag"] for one in listed]
        assert etags[: len(self.parts)] == [etag for _, etag in self.parts]
        for etag in etags[len(self.parts) :]:
            assert self.pending[0] == "part"
            self.parts.append((self.pending[1], etag))
