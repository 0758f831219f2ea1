CREATE TABLE customer (id bigint PRIMARY KEY);
CREATE TABLE purchase (
    id bigint PRIMARY KEY, customer bigint, amount numeric, discount numeric,
    CONSTRAINT of_a_customer FOREIGN KEY (customer) REFERENCES customer NOT ENFORCED,
    CONSTRAINT positive CHECK (amount > 0),
    CONSTRAINT less CHECK (discount < amount) NOT ENFORCED
);
CREATE TABLE refund (purchase bigint REFERENCES purchase NOT ENFORCED, CHECK (purchase > 0) NOT ENFORCED);
