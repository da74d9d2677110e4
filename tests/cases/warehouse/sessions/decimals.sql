-- Products of more digits than 64 bits hold, in sums, alone and after other statements of a transaction.
create table d (a decimal(15,2), b decimal(15,2))
--> CREATE TABLE

insert into d values (9999999999999.99, 9999999999999.99), (1.5, 2)
--> INSERT 0 2

select sum(a * b), max(a * b) from d
--> | 99999999999999800000000003.0001 | 99999999999999800000000000.0001

select sum(a * b * b) from d where a < 2
--> | 6.0000

begin
--> BEGIN

select sum(a * b) from d
--> | 99999999999999800000000003.0001

select sum(a * b) from d
--> | 99999999999999800000000003.0001

commit
--> COMMIT

select sum(a * b) from (select a, b from d union all select 1, 1) as t
--> | 99999999999999800000000004.0001
