-- Rows that are only ever added.
{{ config(materialized='incremental', incremental_strategy='append') }}
select id, customer, placed from {{ ref('orders') }}
{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}
