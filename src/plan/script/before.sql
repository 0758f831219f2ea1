    -- where nothing of it is begun. Only names: whether it is what the plan was made for, `trueup verify` says
    IF last_way IS DISTINCT FROM 'apply' THEN
        SELECT pg_catalog.format(CASE WHEN it.expected THEN 'there is no %s' ELSE 'there is %s already' END, it.name) INTO problem
        FROM (VALUES
«names»
        ) AS it (name, expected, relation, attribute)
        WHERE it.expected <> CASE WHEN it.attribute IS NULL THEN pg_catalog.to_regclass(it.relation) IS NOT NULL
                                  ELSE EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(it.relation)
                                               AND a.attname = it.attribute AND NOT a.attisdropped) END
        LIMIT 1;
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'trueup: % in database %, for which the plan was not made: name the right one, or plan again',
                problem, pg_catalog.current_database();
        END IF;
    END IF;
