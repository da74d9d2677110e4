-- An Iceberg table whose rows are updated where a customer is known, and added where not.
{{ config(
    materialized='incremental', incremental_strategy='merge', unique_key='customer', table_type='iceberg',
    partitioned_by=['bucket(customer, 4)']
) }}
select customer, count(*) as orders, sum(amount) as amount, max(placed) as last_order
from {{ ref('orders') }} group by customer
