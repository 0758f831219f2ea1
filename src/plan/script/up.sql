        IF done && '«later»' OR steps <@ done AND '«phase»' = ANY (reached) THEN
            RAISE EXCEPTION 'trueup: «phase» of this plan is applied here already';
        END IF;
«first»        IF steps && done AND last_way = 'rollback' AND NOT steps <@ done THEN
            RAISE EXCEPTION 'trueup: «phase» of this plan is half undone here: go on with rollback-«phase».sql or `trueup rollback`';
        END IF;
        IF steps <@ done AND last_outcome = 'stopped' THEN
            RAISE EXCEPTION 'trueup: all steps of «phase» are done here, and what they led to was not what was rehearsed: run `trueup apply`';
        END IF;
