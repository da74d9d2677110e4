{% snapshot customers_history %}
{{ config(unique_key='customer', strategy='check', check_cols=['orders', 'amount'], table_type='iceberg') }}
select customer, orders, amount from {{ ref('customers') }}
{% endsnapshot %}
