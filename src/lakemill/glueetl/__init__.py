"""What the script of a Spark job finds: its runner, Spark on an embedded server, and what awsglue is made of."""
