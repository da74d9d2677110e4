-- Partitions that are written anew when their day comes again.
{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partitioned_by=['placed'], format='parquet') }}
select id, customer, amount, placed from {{ ref('orders') }}
