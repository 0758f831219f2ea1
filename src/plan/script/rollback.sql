        IF NOT steps && done AND NOT EXISTS (SELECT FROM trueup.step s JOIN trueup.run r ON r.id = s.run
                                               WHERE r.plan = '«digest»' AND s.outcome IS NULL) THEN
            RAISE EXCEPTION 'trueup: «phase» of this plan is not applied in database %: there is nothing to undo', pg_catalog.current_database();
        END IF;
        IF done && '«later»' THEN
            RAISE EXCEPTION 'trueup: contract of this plan is applied here: run rollback-contract.sql first';
        END IF;
