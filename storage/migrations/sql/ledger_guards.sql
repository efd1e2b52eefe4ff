-- What the database itself enforces about money, whoever writes.
--
-- Nobody but the owner may update a balance or a hold. The application inserts transfers, each carrying the
-- sequence and balance of both its accounts after it; this trigger moves the balances, and refuses the whole
-- statement unless every transfer continues its accounts exactly. So a balance is the sum of its transfers,
-- an account's legs are numbered without gaps, what is held is the sum of the open holds, and per asset all
-- balances sum to zero: at every commit, by construction.

CREATE FUNCTION apply_transfers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public
SET enable_hashjoin = off   -- A plan made while the tables were small must not outlive that.
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    wanted bigint;
    done bigint;
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT entry_number FROM added) AS named
        WHERE NOT EXISTS (SELECT FROM journal_entries WHERE number = named.entry_number)
    ) THEN
        RAISE EXCEPTION 'a transfer names a journal entry that does not exist' USING ERRCODE = 'foreign_key_violation';
    END IF;

    IF session_user = 'rialto_api' AND EXISTS (
        SELECT FROM added
        JOIN accounts AS debit ON debit.id = added.debit_account
        JOIN accounts AS credit ON credit.id = added.credit_account
        WHERE debit.customer_id IS NULL OR debit.customer_id IS DISTINCT FROM credit.customer_id
    ) THEN
        RAISE EXCEPTION 'the API may only hold and release a customer''s own money'
            USING ERRCODE = 'insufficient_privilege';
    END IF;

    WITH legs AS (
        SELECT debit_account AS account, debit_sequence AS sequence, -units AS change, debit_balance AS balance,
               debit_hash AS hash, asset, hold_id, posted_at FROM added
        UNION ALL
        SELECT credit_account, credit_sequence, units, credit_balance, credit_hash, asset, hold_id, posted_at
        FROM added
    ), totals AS (
        SELECT account, min(sequence) AS first, max(sequence) AS last, count(*) AS legs, sum(change) AS change,
               (array_agg(balance ORDER BY sequence DESC))[1] AS balance,
               (array_agg(hash ORDER BY sequence DESC))[1] AS head,
               min(asset) AS asset_low, max(asset) AS asset_high, count(hold_id) AS legs_of_holds,
               min(posted_at) AS earliest, max(posted_at) AS latest
        FROM legs GROUP BY account
    ), moved AS (
        UPDATE accounts SET balance = accounts.balance + totals.change, sequence = totals.last, head = totals.head,
            moved_at = totals.latest
        FROM totals
        WHERE accounts.id = totals.account
          AND accounts.sequence + 1 = totals.first
          AND totals.last - totals.first + 1 = totals.legs
          AND accounts.balance + totals.change = totals.balance
          AND accounts.asset = totals.asset_low AND accounts.asset = totals.asset_high
          AND (accounts.sequence = 0 OR accounts.moved_at <= totals.earliest)
          AND (accounts.kind <> 'customer_held' OR totals.legs_of_holds = totals.legs)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM totals), (SELECT count(*) FROM moved) INTO wanted, done;
    IF wanted <> done THEN
        RAISE EXCEPTION 'transfers do not continue % of % accounts', wanted - done, wanted
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    WITH placed AS (
        SELECT added.hold_id AS id, accounts.id AS account_id, sum(added.units) AS units
        FROM added JOIN accounts ON accounts.id = added.credit_account AND accounts.kind = 'customer_held'
        GROUP BY added.hold_id, accounts.id
    ), written AS (
        INSERT INTO holds AS held (id, account_id, units, remaining)
        SELECT id, account_id, units, units FROM placed
        ON CONFLICT (id) DO UPDATE
            SET units = held.units + excluded.units, remaining = held.remaining + excluded.remaining
            WHERE held.account_id = excluded.account_id AND held.remaining > 0
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM placed), (SELECT count(*) FROM written) INTO wanted, done;
    IF wanted <> done THEN
        RAISE EXCEPTION 'a hold is on another account, or was resolved before'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    WITH taken AS (
        SELECT added.hold_id AS id, accounts.id AS account_id, sum(added.units) AS units
        FROM added JOIN accounts ON accounts.id = added.debit_account AND accounts.kind = 'customer_held'
        GROUP BY added.hold_id, accounts.id
    ), written AS (
        UPDATE holds SET remaining = holds.remaining - taken.units
        FROM taken WHERE holds.id = taken.id AND holds.account_id = taken.account_id
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM written) INTO wanted, done;
    IF wanted <> done THEN
        RAISE EXCEPTION 'held money was taken without its hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NULL;
END
$$;

CREATE TRIGGER apply_transfers AFTER INSERT ON transfers
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION apply_transfers();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct it by a new entry', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refused_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_seals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed_accounts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The newest leg of an account that was posted before a moment: legs are numbered in the order of time,
-- so halving finds it in some twenty steps among millions.
CREATE FUNCTION sequence_before(wanted_account bigint, moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;  -- Posted before the moment, or none at all.
    high bigint;      -- Posted at the moment or later.
    middle bigint;
    middle_at timestamptz;
BEGIN
    SELECT sequence + 1 INTO high FROM accounts WHERE id = wanted_account;
    WHILE high - low > 1 LOOP
        middle := (low + high) / 2;
        SELECT posted_at INTO middle_at FROM transfers
        WHERE debit_account = wanted_account AND debit_sequence = middle;
        IF NOT FOUND THEN
            SELECT posted_at INTO middle_at FROM transfers
            WHERE credit_account = wanted_account AND credit_sequence = middle;
        END IF;
        IF middle_at < moment THEN low := middle; ELSE high := middle; END IF;
    END LOOP;
    RETURN low;
END
$$;

-- Least privilege. Read and append; change only what is named.
GRANT USAGE ON SCHEMA public TO rialto_api, rialto_worker, rialto_signer;
GRANT SELECT ON assets, markets, accounts, journal_entries, transfers, holds, refused_entries, orders,
    order_commands, trades, settlement_cursors, fee_rates, trading_volumes, ledger_seals, sealed_accounts TO rialto_api, rialto_worker;
GRANT SELECT ON audit_log TO rialto_worker;
GRANT SELECT ON assets, markets TO rialto_signer;

GRANT INSERT ON journal_entries, transfers, refused_entries, order_commands, audit_log TO rialto_api, rialto_worker;
GRANT INSERT (kind, asset, customer_id, market) ON accounts TO rialto_api, rialto_worker;
GRANT UPDATE (remark) ON accounts TO rialto_api, rialto_worker;  -- Which is what allows locking the rows.
GRANT UPDATE (expires_at) ON holds TO rialto_api, rialto_worker;
GRANT UPDATE (sent_at) ON order_commands TO rialto_api, rialto_worker;

GRANT INSERT (id, customer_id, market, client_order_id, side, kind, terms, price_ticks, lots, trigger_kind, trigger,
    display_lots, budget, expires_us, hold_order_id, command_id, options, maker_fee_ppm, taker_fee_ppm, status, placed_at,
    updated_at) ON orders TO rialto_api, rialto_worker;
GRANT UPDATE ON orders TO rialto_worker;
GRANT INSERT ON trades, settlement_cursors, trading_volumes, ledger_seals, sealed_accounts, fee_rates TO rialto_worker;
GRANT UPDATE ON settlement_cursors, trading_volumes, fee_rates TO rialto_worker;
GRANT UPDATE (contract) ON assets TO rialto_worker;
GRANT DELETE ON order_commands TO rialto_worker;

GRANT USAGE ON SEQUENCE order_ids, command_ids, entry_numbers TO rialto_api, rialto_worker;
