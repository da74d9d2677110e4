CREATE EXTERNAL TABLE IF NOT EXISTS orders (`order id` bigint COMMENT 'the key', price decimal(10,2), tags array<string>, at timestamp) PARTITIONED BY (day date) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' COLLECTION ITEMS TERMINATED BY '|' LINES TERMINATED BY '\n' NULL DEFINED AS '-' STORED AS TEXTFILE LOCATION 's3://lake/orders/' TBLPROPERTIES ('skip.header.line.count' = '1')
=0

CREATE EXTERNAL TABLE orders (a int) LOCATION 's3://lake/orders/'
=! FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. AlreadyExistsException

CREATE TABLE managed (a int) LOCATION 's3://lake/managed/'
=! line 1:22: mismatched input '('. Expecting: 'EXTERNAL TABLE

CREATE EXTERNAL TABLE slash (a int) LOCATION 's3://lake/slash'
=0

CREATE EXTERNAL TABLE a3 (a int) LOCATION 's3a://lake/a3/'
=! FAILED: SemanticException [Error 10024]: Invalid location

CREATE EXTERNAL TABLE odd (a string, b integer) LOCATION 's3://lake/odd/'
=0

CREATE EXTERNAL TABLE odd2 (a varchar) LOCATION 's3://lake/odd2/'
=! line 1:31: Column type is unknown

DESCRIBE orders
=> order id            	bigint              	the key
=> price               	decimal(10,2)
=> tags                	array<string>
=> at                  	timestamp
=> day                 	date
=> 
=> # Partition Information
=> # col_name            	data_type           	comment
=> 
=> day                 	date

DESC orders price
=> price               	decimal(10,2)

SHOW COLUMNS IN orders
=> order id
=> price
=> tags
=> at
=> day

SHOW TBLPROPERTIES orders ('skip.header.line.count')
=> 1

ALTER TABLE orders SET TBLPROPERTIES ('skip.header.line.count' = '2', 'note' = 'x')
=0

SHOW TBLPROPERTIES orders ('note')
=> x

ALTER TABLE orders ADD COLUMNS (more map<string,int>, last struct<a:int,b:array<double>>)
=0

SHOW COLUMNS IN orders
=> order id
=> price
=> tags
=> at
=> more
=> last
=> day

ALTER TABLE orders REPLACE COLUMNS (id int, name string)
=0

SHOW COLUMNS FROM orders
=> id
=> name
=> day

ALTER TABLE orders RENAME TO bills
=! line 1:20: mismatched input 'RENAME'

ALTER TABLE orders SET LOCATION 's3://lake/elsewhere/'
=0

SHOW TABLES
=> odd
=> orders
=> slash

SHOW TABLES 'o*|none'
=> odd
=> orders

DROP TABLE orders
=0

DROP TABLE orders
=! FAILED: SemanticException [Error 10001]: Table not found default.orders

DROP TABLE IF EXISTS orders
=0

DESCRIBE orders
=! FAILED: SemanticException [Error 10001]: Table not found default.orders
