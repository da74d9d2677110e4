"""What Python shell jobs use of Glue's library: `awsglue.utils`."""
