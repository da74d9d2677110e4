package lakemill;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme;

/**
 * s3://BUCKET for Hadoop: a view of what the run's gateway shows at /BUCKET.
 *
 * Hadoop's view wants to be told of each bucket in the configuration, by name; here the bucket that is asked for is.
 */
public class LakeFileSystem extends ViewFileSystemOverloadScheme {

    public LakeFileSystem() throws IOException {
        super();
    }

    public void initialize(URI uri, Configuration given) throws IOException {
        Configuration configuration = new Configuration(given);
        String bucket = uri.getAuthority();
        String link = "fs.viewfs.mounttable." + bucket + ".linkFallback";
        configuration.set(link, configuration.get("lakemill.gateway") + "/" + bucket);
        super.initialize(uri, configuration);
    }
}
