    «why»
    FOR one IN SELECT * FROM (VALUES
«objects»
    ) AS it (name, owner) WHERE «unless» LOOP
        RAISE EXCEPTION 'trueup: % belongs to role %, «what» %: «advice»',
            one.name, pg_catalog.pg_get_userbyid(one.owner), «who»;
    END LOOP;
