CREATE DATABASE shop COMMENT 'what is sold' LOCATION 's3://lake/shop/' WITH DBPROPERTIES ('owner' = 'sales')
=0

CREATE SCHEMA IF NOT EXISTS shop
=0

CREATE DATABASE shop
=! FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. AlreadyExistsException

SHOW DATABASES
=> default
=> shop

SHOW DATABASES LIKE 'shop|none'
=> shop

SHOW SCHEMAS LIKE 's.*'
=> shop

ALTER DATABASE shop SET DBPROPERTIES ('owner' = 'stock')
=0

DROP DATABASE absent
=! FAILED: SemanticException [Error 10072]: Database does not exist: absent

ALTER SCHEMA absent SET DBPROPERTIES ('a' = 'b')
=! FAILED: SemanticException [Error 10072]: Database does not exist: absent

DROP DATABASE IF EXISTS absent
=0

CREATE EXTERNAL TABLE shop.t (a int) LOCATION 's3://lake/shop/t/'
=0

DROP DATABASE shop
=! FAILED: Execution Error, return code 1

DROP DATABASE shop CASCADE
=0

SHOW DATABASES
=> default
