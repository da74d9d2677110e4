-- Files: see files.json
CREATE EXTERNAL TABLE lazy (a int, b string, c array<int>, d map<string,int>) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' COLLECTION ITEMS TERMINATED BY '|' MAP KEYS TERMINATED BY ':' LOCATION 's3://lake/lazy/'
=0

SELECT * FROM lazy ORDER BY a
=> "1","x","[1, 2]","{k=1, l=2}"
=> "2",,"[]",
=> ,"not a number",,

CREATE EXTERNAL TABLE quoted (a string, b string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES ('separatorChar' = ';', 'quoteChar' = "'", 'escapeChar' = '\\') LOCATION 's3://lake/quoted/'
=0

SELECT * FROM quoted
=> "one; two","it's"

CREATE EXTERNAL TABLE json (id int, `inner` struct<a:string,b:array<double>>) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('mapping.id' = 'Key', 'ignore.malformed.json' = 'true') LOCATION 's3://lake/json/'
=0

SELECT id, "inner".a, cardinality("inner".b) FROM json ORDER BY 1
=> "1","x","2"
=> "2",,
=> ,,

CREATE EXTERNAL TABLE strict (id int) ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe' LOCATION 's3://lake/json/'
=0

SELECT * FROM strict
=! HIVE_BAD_DATA: Error parsing line 3 of s3://lake/json/1.json

CREATE EXTERNAL TABLE logs (ip string, status int) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex' = '(\\S+) .* (\\d+)') LOCATION 's3://lake/logs/'
=0

SELECT * FROM logs ORDER BY ip NULLS LAST
=> "10.0.0.1","200"
=> ,

CREATE EXTERNAL TABLE grok (ip string, status int) ROW FORMAT SERDE 'com.amazonaws.glue.serde.GrokSerDe' WITH SERDEPROPERTIES ('input.format' = '%{IP:ip} %{GREEDYDATA} %{INT:status}') LOCATION 's3://lake/logs/'
=0

SELECT * FROM grok WHERE status = 200
=> "10.0.0.1","200"
