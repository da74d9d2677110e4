-- A table of Parquet files.
{{ config(materialized='table', format='parquet') }}
select placed, count(*) as orders, sum(amount) as amount from {{ ref('orders') }} group by placed
