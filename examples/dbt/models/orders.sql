-- A view over what was loaded, with its types.
{{ config(materialized='view') }}
select id, customer, cast(placed as date) as placed, cast(amount as decimal(10, 2)) as amount
from {{ ref('raw_orders') }}
{% if var('until', none) %}where cast(placed as varchar) <= '{{ var("until") }}'{% endif %}
