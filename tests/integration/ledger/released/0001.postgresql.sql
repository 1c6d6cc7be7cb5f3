--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: ninebits_alert; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_alert (
    key character varying(64) NOT NULL,
    deployment character varying(250) NOT NULL,
    dedup_key text NOT NULL,
    rings integer DEFAULT 0 NOT NULL,
    rang_at timestamp with time zone,
    dag_id text,
    run_id text,
    task_id text,
    ring_id character varying(32),
    begun_at timestamp with time zone,
    owner character varying(32),
    claimed_until timestamp with time zone,
    held_back integer DEFAULT 0 NOT NULL,
    held_back_in_all integer DEFAULT 0 NOT NULL,
    held_back_at timestamp with time zone,
    held_back_dag_id text,
    held_back_run_id text,
    held_back_task_id text,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN ninebits_alert.key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.key IS 'hash of deployment and dedup key';


--
-- Name: COLUMN ninebits_alert.deployment; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.deployment IS 'which Airflow rang';


--
-- Name: COLUMN ninebits_alert.dedup_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.dedup_key IS 'for people: shortened, numbers masked';


--
-- Name: COLUMN ninebits_alert.rings; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.rings IS 'notifier: how often it rang';


--
-- Name: COLUMN ninebits_alert.rang_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.rang_at IS 'notifier: a cooldown counts from here; null: it never rang';


--
-- Name: COLUMN ninebits_alert.dag_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.dag_id IS 'notifier: for whom it rang last; null: unknown';


--
-- Name: COLUMN ninebits_alert.run_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.run_id IS 'notifier: for whom it rang last; null: unknown';


--
-- Name: COLUMN ninebits_alert.task_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.task_id IS 'notifier: for whom it rang last; null: unknown';


--
-- Name: COLUMN ninebits_alert.ring_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.ring_id IS 'random: of a ring that is still to come; null: of none';


--
-- Name: COLUMN ninebits_alert.begun_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.begun_at IS 'when that ring was claimed first; null: there is none';


--
-- Name: COLUMN ninebits_alert.owner; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.owner IS 'notifier: who claimed it; null: it was let go, or has rung';


--
-- Name: COLUMN ninebits_alert.claimed_until; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.claimed_until IS 'until when the claim holds; null: as owner';


--
-- Name: COLUMN ninebits_alert.held_back; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.held_back IS 'alerts that rang nobody since rang_at';


--
-- Name: COLUMN ninebits_alert.held_back_in_all; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.held_back_in_all IS 'alerts that ever rang nobody';


--
-- Name: COLUMN ninebits_alert.held_back_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.held_back_at IS 'of the last such one; null: there was none';


--
-- Name: COLUMN ninebits_alert.held_back_dag_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.held_back_dag_id IS 'of the last such one; null: unknown, or there was none';


--
-- Name: COLUMN ninebits_alert.held_back_run_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.held_back_run_id IS 'of the last such one; null: unknown, or there was none';


--
-- Name: COLUMN ninebits_alert.held_back_task_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.held_back_task_id IS 'of the last such one; null: unknown, or there was none';


--
-- Name: COLUMN ninebits_alert.seen_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_alert.seen_at IS 'notifier: the last alert with this key';


--
-- Name: ninebits_callback; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_callback (
    id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    receiver_id character varying(32),
    conn_path text,
    kind character varying(16) NOT NULL,
    raw bytea NOT NULL,
    identity character varying(64),
    repeats integer DEFAULT 0 NOT NULL,
    ref_id character varying(128),
    number character varying(32),
    inbound boolean DEFAULT false NOT NULL,
    started_at timestamp with time zone,
    answered_at timestamp with time zone,
    ended_at timestamp with time zone,
    total_duration integer,
    call_duration integer,
    total_amount bigint,
    status integer,
    detail text,
    match_state character varying(16) NOT NULL,
    ambiguous boolean DEFAULT false NOT NULL,
    recipient_id bigint,
    request_id bigint
);


--
-- Name: COLUMN ninebits_callback.received_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.received_at IS 'receiver: on the ledger''s clock';


--
-- Name: COLUMN ninebits_callback.receiver_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.receiver_id IS 'receiver: which one; null: not by a receiver';


--
-- Name: COLUMN ninebits_callback.conn_path; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.conn_path IS 'the conn_id in the URL; null: the account''s one path';


--
-- Name: COLUMN ninebits_callback.kind; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.kind IS 'call, answer or unreadable';


--
-- Name: COLUMN ninebits_callback.raw; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.raw IS 'as it came';


--
-- Name: COLUMN ninebits_callback.identity; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.identity IS 'what makes repeats equal; null: nothing does';


--
-- Name: COLUMN ninebits_callback.repeats; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.repeats IS 'receiver: how often it came again';


--
-- Name: COLUMN ninebits_callback.number; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.number IS 'canonical destination; null: none readable';


--
-- Name: COLUMN ninebits_callback.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.started_at IS 'null: absent or unreadable';


--
-- Name: COLUMN ninebits_callback.answered_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.answered_at IS 'null: not answered';


--
-- Name: COLUMN ninebits_callback.ended_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.ended_at IS 'null: absent or unreadable';


--
-- Name: COLUMN ninebits_callback.total_duration; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.total_duration IS 'seconds';


--
-- Name: COLUMN ninebits_callback.call_duration; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.call_duration IS 'seconds billed';


--
-- Name: COLUMN ninebits_callback.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.status IS 'status_code of an API answer; null: a call';


--
-- Name: COLUMN ninebits_callback.detail; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.detail IS 'message of an API answer, or why it cannot be read';


--
-- Name: COLUMN ninebits_callback.match_state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.match_state IS 'matched, unmatched, inbound or unreadable';


--
-- Name: COLUMN ninebits_callback.ambiguous; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.ambiguous IS 'several could have been meant';


--
-- Name: COLUMN ninebits_callback.request_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_callback.request_id IS 'the one that it shows to have been placed, or answers';


--
-- Name: ninebits_callback_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ninebits_callback_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ninebits_callback_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ninebits_callback_id_seq OWNED BY public.ninebits_callback.id;


--
-- Name: ninebits_escalation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_escalation (
    id character varying(32) NOT NULL,
    first_key character varying(64) NOT NULL,
    deployment character varying(250) NOT NULL,
    dedup_key text NOT NULL,
    dag_id text,
    run_id text,
    task_id text,
    conn_id text NOT NULL,
    media_url text NOT NULL,
    from_number character varying(64),
    contacts text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    taken_by text
);


--
-- Name: COLUMN ninebits_escalation.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.id IS 'random: the ring that its first contact has';


--
-- Name: COLUMN ninebits_escalation.first_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.first_key IS 'idempotency key of the first contact''s send';


--
-- Name: COLUMN ninebits_escalation.deployment; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.deployment IS 'which Airflow rings';


--
-- Name: COLUMN ninebits_escalation.dedup_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.dedup_key IS 'for people: what it is about';


--
-- Name: COLUMN ninebits_escalation.dag_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.dag_id IS 'notifier: who gave the alert; null: unknown';


--
-- Name: COLUMN ninebits_escalation.run_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.run_id IS 'notifier: who gave the alert; null: unknown';


--
-- Name: COLUMN ninebits_escalation.task_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.task_id IS 'notifier: who gave the alert; null: unknown';


--
-- Name: COLUMN ninebits_escalation.conn_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.conn_id IS 'the Airflow connection that it goes over';


--
-- Name: COLUMN ninebits_escalation.media_url; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.media_url IS 'whole, signature included: it is rung with later';


--
-- Name: COLUMN ninebits_escalation.from_number; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.from_number IS 'null: 9bits picks the caller ID';


--
-- Name: COLUMN ninebits_escalation.contacts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.contacts IS 'JSON: in their order, each the numbers that are rung at once';


--
-- Name: COLUMN ninebits_escalation.taken_by; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation.taken_by IS 'the run that rings it; null: none does yet';


--
-- Name: ninebits_escalation_watch; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_escalation_watch (
    deployment character varying(250) NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN ninebits_escalation_watch.deployment; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation_watch.deployment IS 'which Airflow has a DAG for its ladders';


--
-- Name: COLUMN ninebits_escalation_watch.seen_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_escalation_watch.seen_at IS 'trigger: when that DAG''s watcher looked last';


--
-- Name: ninebits_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_event (
    id bigint NOT NULL,
    subscription_id character varying(64) NOT NULL,
    recipient_id bigint NOT NULL,
    message_id character varying(32) NOT NULL,
    state character varying(16) NOT NULL,
    attempts integer NOT NULL,
    started_at timestamp with time zone,
    answered_at timestamp with time zone,
    ended_at timestamp with time zone,
    total_duration integer,
    call_duration integer,
    total_amount bigint
);


--
-- Name: COLUMN ninebits_event.message_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.message_id IS 'an id of a recipient may be given again; this is not';


--
-- Name: COLUMN ninebits_event.state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.state IS 'states.RecipientState, which it had reached';


--
-- Name: COLUMN ninebits_event.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.attempts IS 'of the recipient, as are all below, at that time';


--
-- Name: COLUMN ninebits_event.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.started_at IS 'null: absent or unreadable';


--
-- Name: COLUMN ninebits_event.answered_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.answered_at IS 'null: not answered';


--
-- Name: COLUMN ninebits_event.ended_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.ended_at IS 'null: absent or unreadable';


--
-- Name: COLUMN ninebits_event.total_duration; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.total_duration IS 'seconds';


--
-- Name: COLUMN ninebits_event.call_duration; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.call_duration IS 'seconds billed';


--
-- Name: COLUMN ninebits_event.total_amount; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_event.total_amount IS 'null: none was reported';


--
-- Name: ninebits_event_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ninebits_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ninebits_event_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ninebits_event_id_seq OWNED BY public.ninebits_event.id;


--
-- Name: ninebits_message; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_message (
    id character varying(32) NOT NULL,
    send_id character varying(32) NOT NULL,
    part integer NOT NULL,
    conn_id text NOT NULL,
    dag_id text,
    media_url text NOT NULL,
    from_number character varying(64),
    state character varying(16) NOT NULL,
    owner character varying(64),
    lease_expires_at timestamp with time zone,
    recipients integer NOT NULL,
    zones text,
    answered integer DEFAULT 0 NOT NULL,
    unanswered integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    total_amount bigint DEFAULT '0'::bigint NOT NULL,
    last_callback_at timestamp with time zone,
    revision integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN ninebits_message.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.id IS 'when it was planned, then random (ids)';


--
-- Name: COLUMN ninebits_message.part; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.part IS 'its place among the parts of its send, from 0';


--
-- Name: COLUMN ninebits_message.conn_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.conn_id IS 'the Airflow connection that it goes over';


--
-- Name: COLUMN ninebits_message.dag_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.dag_id IS 'planning: its send''s, to be listed by; null: outside of a task';


--
-- Name: COLUMN ninebits_message.media_url; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.media_url IS 'without query string, which may hold a signature';


--
-- Name: COLUMN ninebits_message.from_number; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.from_number IS 'null: 9bits picks the caller ID';


--
-- Name: COLUMN ninebits_message.state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.state IS 'states.MessageState';


--
-- Name: COLUMN ninebits_message.owner; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.owner IS 'sender: who claimed it; null before the first claim';


--
-- Name: COLUMN ninebits_message.lease_expires_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.lease_expires_at IS 'sender: until when the claim holds';


--
-- Name: COLUMN ninebits_message.recipients; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.recipients IS 'how many numbers the part has';


--
-- Name: COLUMN ninebits_message.zones; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.zones IS 'planning: time zones of all its numbers; null: they do not matter';


--
-- Name: COLUMN ninebits_message.answered; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.answered IS 'matching: recipients in this state';


--
-- Name: COLUMN ninebits_message.unanswered; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.unanswered IS 'matching: recipients in this state';


--
-- Name: COLUMN ninebits_message.failed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.failed IS 'matching: recipients in this state';


--
-- Name: COLUMN ninebits_message.total_amount; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.total_amount IS 'matching: sum of its recipients''';


--
-- Name: COLUMN ninebits_message.last_callback_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.last_callback_at IS 'matching: null until a callback came';


--
-- Name: COLUMN ninebits_message.revision; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_message.revision IS 'raised by each change that a wait may ask for';


--
-- Name: ninebits_purge; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_purge (
    id bigint NOT NULL,
    purged_until timestamp with time zone NOT NULL,
    begun_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN ninebits_purge.purged_until; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_purge.purged_until IS 'purge: what came before may be gone';


--
-- Name: ninebits_purge_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ninebits_purge_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ninebits_purge_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ninebits_purge_id_seq OWNED BY public.ninebits_purge.id;


--
-- Name: ninebits_receipt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_receipt (
    id bigint NOT NULL,
    send_id character varying(32) NOT NULL,
    message_id character varying(32) NOT NULL,
    part integer NOT NULL,
    state character varying(16) NOT NULL,
    recipients integer NOT NULL,
    ref_id character varying(128)
);


--
-- Name: COLUMN ninebits_receipt.message_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receipt.message_id IS 'of the message that was purged';


--
-- Name: COLUMN ninebits_receipt.part; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receipt.part IS 'its place among the parts of its send';


--
-- Name: COLUMN ninebits_receipt.state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receipt.state IS 'its states.MessageState when it was purged';


--
-- Name: COLUMN ninebits_receipt.recipients; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receipt.recipients IS 'how many numbers it had';


--
-- Name: COLUMN ninebits_receipt.ref_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receipt.ref_id IS 'of one of its requests, a row each; null: none was known';


--
-- Name: ninebits_receipt_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ninebits_receipt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ninebits_receipt_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ninebits_receipt_id_seq OWNED BY public.ninebits_receipt.id;


--
-- Name: ninebits_receiver; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_receiver (
    id character varying(32) NOT NULL,
    host text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    up_since timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL,
    stopped boolean DEFAULT false NOT NULL,
    unauthorized integer DEFAULT 0 NOT NULL,
    last_unauthorized_at timestamp with time zone,
    oversized integer DEFAULT 0 NOT NULL,
    last_oversized_at timestamp with time zone,
    unavailable integer DEFAULT 0 NOT NULL,
    last_unavailable_at timestamp with time zone
);


--
-- Name: COLUMN ninebits_receiver.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.id IS 'random, one for each start of a receiver';


--
-- Name: COLUMN ninebits_receiver.up_since; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.up_since IS 'receiver: its heartbeats have no gap from here on';


--
-- Name: COLUMN ninebits_receiver.heartbeat_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.heartbeat_at IS 'receiver: the last; all turned away before is counted';


--
-- Name: COLUMN ninebits_receiver.stopped; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.stopped IS 'receiver: it ended in order';


--
-- Name: COLUMN ninebits_receiver.unauthorized; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.unauthorized IS 'receiver: answered 401';


--
-- Name: COLUMN ninebits_receiver.last_unauthorized_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.last_unauthorized_at IS 'receiver: null: none';


--
-- Name: COLUMN ninebits_receiver.oversized; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.oversized IS 'receiver: answered 413';


--
-- Name: COLUMN ninebits_receiver.last_oversized_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.last_oversized_at IS 'receiver: null: none';


--
-- Name: COLUMN ninebits_receiver.unavailable; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.unavailable IS 'receiver: answered 503';


--
-- Name: COLUMN ninebits_receiver.last_unavailable_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_receiver.last_unavailable_at IS 'receiver: null: none';


--
-- Name: ninebits_recipient; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_recipient (
    id bigint NOT NULL,
    send_id character varying(32) NOT NULL,
    message_id character varying(32) NOT NULL,
    number character varying(32) NOT NULL,
    state character varying(16) NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone,
    answered_at timestamp with time zone,
    ended_at timestamp with time zone,
    total_duration integer,
    call_duration integer,
    total_amount bigint,
    last_callback_at timestamp with time zone
);


--
-- Name: COLUMN ninebits_recipient.number; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.number IS 'canonical: digits with the country code';


--
-- Name: COLUMN ninebits_recipient.state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.state IS 'states.RecipientState';


--
-- Name: COLUMN ninebits_recipient.attempts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.attempts IS 'matching: calls that came back';


--
-- Name: COLUMN ninebits_recipient.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.started_at IS 'matching: of the call that counts; null: none came';


--
-- Name: COLUMN ninebits_recipient.answered_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.answered_at IS 'matching: null: not answered';


--
-- Name: COLUMN ninebits_recipient.ended_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.ended_at IS 'matching: of the call that counts';


--
-- Name: COLUMN ninebits_recipient.total_duration; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.total_duration IS 'matching: seconds, of the call that counts';


--
-- Name: COLUMN ninebits_recipient.call_duration; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.call_duration IS 'matching: seconds billed, of the call that counts';


--
-- Name: COLUMN ninebits_recipient.total_amount; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.total_amount IS 'matching: sum of all attempts; null: none was reported';


--
-- Name: COLUMN ninebits_recipient.last_callback_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_recipient.last_callback_at IS 'matching: attempt_window counts from here';


--
-- Name: ninebits_recipient_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ninebits_recipient_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ninebits_recipient_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ninebits_recipient_id_seq OWNED BY public.ninebits_recipient.id;


--
-- Name: ninebits_request; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_request (
    id bigint NOT NULL,
    message_id character varying(32) NOT NULL,
    conn_id text NOT NULL,
    state character varying(16) NOT NULL,
    ref_id character varying(128),
    known_by character varying(16),
    started_at timestamp with time zone NOT NULL,
    late boolean DEFAULT false NOT NULL,
    finished_at timestamp with time zone,
    status integer,
    detail text
);


--
-- Name: COLUMN ninebits_request.conn_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.conn_id IS 'the connection of this POST; a resend may take another';


--
-- Name: COLUMN ninebits_request.state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.state IS 'states.RequestState';


--
-- Name: COLUMN ninebits_request.ref_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.ref_id IS '9bits'' answer, an adopting callback or a person; null: unknown';


--
-- Name: COLUMN ninebits_request.known_by; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.known_by IS 'answer, callback or person; null: not known yet';


--
-- Name: COLUMN ninebits_request.started_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.started_at IS 'sender: the claim, on the ledger''s clock';


--
-- Name: COLUMN ninebits_request.late; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.late IS 'sender: made so long after its message was planned that this one''s id does not tell when';


--
-- Name: COLUMN ninebits_request.finished_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.finished_at IS 'sender: null while under way';


--
-- Name: COLUMN ninebits_request.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.status IS 'HTTP status; null: no answer';


--
-- Name: COLUMN ninebits_request.detail; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_request.detail IS 'what 9bits or the network said';


--
-- Name: ninebits_request_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ninebits_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ninebits_request_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ninebits_request_id_seq OWNED BY public.ninebits_request.id;


--
-- Name: ninebits_send; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_send (
    id character varying(32) NOT NULL,
    idempotency_key character varying(64),
    deployment character varying(250) NOT NULL,
    dag_id text,
    run_id text,
    task_id text,
    map_index integer,
    created_at timestamp with time zone NOT NULL,
    planner character varying(32),
    planner_expires_at timestamp with time zone,
    purge_state character varying(16)
);


--
-- Name: COLUMN ninebits_send.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.id IS 'when it was planned, then random (ids)';


--
-- Name: COLUMN ninebits_send.idempotency_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.idempotency_key IS 'hash; null: a send that nobody can resume';


--
-- Name: COLUMN ninebits_send.deployment; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.deployment IS 'which Airflow asked';


--
-- Name: COLUMN ninebits_send.dag_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.dag_id IS 'who asked; null: outside of a task';


--
-- Name: COLUMN ninebits_send.run_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.run_id IS 'who asked; null: outside of a task';


--
-- Name: COLUMN ninebits_send.task_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.task_id IS 'who asked; null: outside of a task';


--
-- Name: COLUMN ninebits_send.map_index; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.map_index IS 'who asked; null: outside of a task';


--
-- Name: COLUMN ninebits_send.planner; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.planner IS 'planning: who writes its parts; null: all are written';


--
-- Name: COLUMN ninebits_send.planner_expires_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.planner_expires_at IS 'planning: when another may plan it instead';


--
-- Name: COLUMN ninebits_send.purge_state; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_send.purge_state IS 'purge: states.PurgeState; null: nothing was purged';


--
-- Name: ninebits_subscription; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_subscription (
    id character varying(64) NOT NULL,
    deployment character varying(250) NOT NULL,
    answered boolean NOT NULL,
    unanswered boolean NOT NULL,
    failed boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN ninebits_subscription.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_subscription.id IS 'hash of the deployment and of what is wanted';


--
-- Name: COLUMN ninebits_subscription.deployment; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_subscription.deployment IS 'which Airflow waits';


--
-- Name: COLUMN ninebits_subscription.answered; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_subscription.answered IS 'whether recipients in this state are wanted';


--
-- Name: COLUMN ninebits_subscription.unanswered; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_subscription.unanswered IS 'whether recipients in this state are wanted';


--
-- Name: COLUMN ninebits_subscription.failed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_subscription.failed IS 'whether recipients in this state are wanted';


--
-- Name: COLUMN ninebits_subscription.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_subscription.created_at IS 'triggerer: what came before is not told';


--
-- Name: COLUMN ninebits_subscription.seen_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_subscription.seen_at IS 'triggerer: each minute while it waits';


--
-- Name: ninebits_task; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_task (
    place_key character varying(64) NOT NULL,
    generation integer NOT NULL,
    task_instance_id character varying(64) NOT NULL,
    try_number integer NOT NULL,
    max_tries integer NOT NULL,
    finished boolean NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN ninebits_task.place_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_task.place_key IS 'hash of deployment, DAG, run, task, map index';


--
-- Name: COLUMN ninebits_task.generation; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_task.generation IS 'operator: raised when the task rings again on purpose';


--
-- Name: COLUMN ninebits_task.task_instance_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_task.task_instance_id IS 'operator: the attempt last seen';


--
-- Name: COLUMN ninebits_task.try_number; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_task.try_number IS 'operator: of the attempt last seen';


--
-- Name: COLUMN ninebits_task.max_tries; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_task.max_tries IS 'operator: of the attempt last seen';


--
-- Name: COLUMN ninebits_task.finished; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_task.finished IS 'operator: set when the generation''s work has ended';


--
-- Name: COLUMN ninebits_task.seen_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ninebits_task.seen_at IS 'operator: start of the attempt last seen';


--
-- Name: ninebits_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ninebits_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: ninebits_callback id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_callback ALTER COLUMN id SET DEFAULT nextval('public.ninebits_callback_id_seq'::regclass);


--
-- Name: ninebits_event id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_event ALTER COLUMN id SET DEFAULT nextval('public.ninebits_event_id_seq'::regclass);


--
-- Name: ninebits_purge id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_purge ALTER COLUMN id SET DEFAULT nextval('public.ninebits_purge_id_seq'::regclass);


--
-- Name: ninebits_receipt id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_receipt ALTER COLUMN id SET DEFAULT nextval('public.ninebits_receipt_id_seq'::regclass);


--
-- Name: ninebits_recipient id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_recipient ALTER COLUMN id SET DEFAULT nextval('public.ninebits_recipient_id_seq'::regclass);


--
-- Name: ninebits_request id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_request ALTER COLUMN id SET DEFAULT nextval('public.ninebits_request_id_seq'::regclass);


--
-- Data for Name: ninebits_alert; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_alert VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'default', 'alerts manual__1', 0, '2026-11-30 19:35:52.387029+00', 'a dag_id', 'a run_id', 'a task_id', 'a8cb87eb503c007714e599829e3532c0', '2026-11-30 19:35:53.393886+00', 'me', '2026-11-30 19:36:07.393886+00', 0, 0, '2026-11-30 19:35:52.387029+00', 'a held_back_dag_', 'a held_back_run_', 'a held_back_task', '2026-11-30 19:35:53.393886+00');


--
-- Data for Name: ninebits_callback; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_callback VALUES (3, '2026-11-30 19:35:53.322056+00', NULL, NULL, 'call', '\x7b7d', 'ben', 0, 'r1', '2348020000002', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'matched', false, 3, 2);
INSERT INTO public.ninebits_callback VALUES (4, '2026-11-30 19:35:53.382262+00', NULL, NULL, 'call', '\x7b7d', NULL, 0, NULL, '2349000000000', false, NULL, '2026-11-30 19:35:53.38182+00', NULL, NULL, NULL, NULL, NULL, NULL, 'unmatched', false, NULL, NULL);
INSERT INTO public.ninebits_callback VALUES (5, '2026-11-30 19:35:53.382262+00', NULL, NULL, 'call', '\x7b7d', NULL, 0, NULL, '2348020000003', true, NULL, '2026-11-30 19:35:53.381834+00', NULL, NULL, NULL, NULL, NULL, NULL, 'inbound', false, NULL, NULL);
INSERT INTO public.ninebits_callback VALUES (6, '2026-11-30 19:35:53.382262+00', NULL, NULL, 'answer', '\x7b7d', NULL, 0, 'r1', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, 200, 'not possible', 'matched', false, NULL, 2);
INSERT INTO public.ninebits_callback VALUES (2, '2026-11-30 19:35:53.322056+00', 'a receiver_id', 'a conn_path', 'call', '\x7b7d', 'ada', 0, 'r1', '2348020000001', false, '2026-11-30 19:35:52.387029+00', '2026-11-30 19:35:53.32187+00', '2026-11-30 19:35:52.387029+00', 7, 7, 30000000000, NULL, NULL, 'matched', false, 2, 2);


--
-- Data for Name: ninebits_escalation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_escalation VALUES ('11111111111111111111111111111111', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'default', 'etl manual__1', 'etl', 'manual__1', 'a task_id', 'ninebits_default', 'https://media.test/a.mp3?signature=1', 'a from_number', '[["2348020000001"], ["2348020000002", "2348020000003"]]', '2026-11-30 19:35:53.397286+00', 'a taken_by');


--
-- Data for Name: ninebits_escalation_watch; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_escalation_watch VALUES ('default', '2026-11-30 19:35:53.395939+00');


--
-- Data for Name: ninebits_event; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_event VALUES (3, '16d113c986f3035cc1369bda1bc0cb06642482644aff7ae973a0186f94649688', 3, '001796067353313r9f6529c46217975c', 'unanswered', 1, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.ninebits_event VALUES (2, '16d113c986f3035cc1369bda1bc0cb06642482644aff7ae973a0186f94649688', 2, '001796067353313r9f6529c46217975c', 'answered', 1, '2026-11-30 19:35:52.387029+00', '2026-11-30 19:35:53.32187+00', '2026-11-30 19:35:52.387029+00', 7, 7, 30000000000);


--
-- Data for Name: ninebits_message; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_message VALUES ('001796067353330r0e994f6612c0176b', '001796067353329r46df7118f7c0e5d4', 0, 'ninebits', NULL, 'https://media.test/a.mp3', NULL, 'uncertain', 'a test', NULL, 1, NULL, 0, 0, 0, 0, NULL, 2, '2026-11-30 19:35:53.330994+00');
INSERT INTO public.ninebits_message VALUES ('001796067353350rb3a0f3e7842b09e3', '001796067353348r91c7af413e89239e', 0, 'ninebits', NULL, 'https://media.test/a.mp3', NULL, 'refused', 'a test', NULL, 1, NULL, 0, 0, 0, 0, NULL, 2, '2026-11-30 19:35:53.350345+00');
INSERT INTO public.ninebits_message VALUES ('001796067353374r5eee51bd8f30a666', '001796067353372raf39a499a8dbda41', 0, 'ninebits', NULL, 'https://media.test/a.mp3', NULL, 'planned', NULL, NULL, 1, NULL, 0, 0, 0, 0, NULL, 0, '2026-11-30 19:35:53.374862+00');
INSERT INTO public.ninebits_message VALUES ('001796067353313r9f6529c46217975c', '001796067353311r05d5dbb3ed40edae', 0, 'ninebits', 'a dag_id', 'https://media.test/a.mp3', 'a from_number', 'accepted', 'a test', '2026-11-30 19:36:53.320069+00', 2, 'a zones', 1, 1, 0, 30000000000, '2026-11-30 19:35:53.322056+00', 3, '2026-11-30 19:35:53.313581+00');


--
-- Data for Name: ninebits_purge; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_purge VALUES (1, '2026-09-01 19:35:53.278494+00', '2026-11-30 19:35:53.278494+00');


--
-- Data for Name: ninebits_receipt; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_receipt VALUES (1, '001796067353172r3aaa41c2bbd608ef', '001796067353177r1027cbec09023767', 0, 'accepted', 1, 'purged');


--
-- Data for Name: ninebits_receiver; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_receiver VALUES ('2610b48465ca00b82eded7b2ac74696c', 'a-host', '2026-11-30 19:35:53.387029+00', '2026-11-30 19:35:53.387029+00', '2026-11-30 19:35:53.388437+00', false, 1, '2026-11-30 19:35:53.388437+00', 1, '2026-11-30 19:35:53.388437+00', 1, '2026-11-30 19:35:53.388437+00');


--
-- Data for Name: ninebits_recipient; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_recipient VALUES (3, '001796067353311r05d5dbb3ed40edae', '001796067353313r9f6529c46217975c', '2348020000002', 'unanswered', 1, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 19:35:53.322056+00');
INSERT INTO public.ninebits_recipient VALUES (4, '001796067353329r46df7118f7c0e5d4', '001796067353330r0e994f6612c0176b', '2348020000003', 'pending', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.ninebits_recipient VALUES (5, '001796067353348r91c7af413e89239e', '001796067353350rb3a0f3e7842b09e3', '2348020000001', 'pending', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.ninebits_recipient VALUES (6, '001796067353372raf39a499a8dbda41', '001796067353374r5eee51bd8f30a666', '2348020000002', 'pending', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.ninebits_recipient VALUES (2, '001796067353311r05d5dbb3ed40edae', '001796067353313r9f6529c46217975c', '2348020000001', 'answered', 1, '2026-11-30 19:35:52.387029+00', '2026-11-30 19:35:53.32187+00', '2026-11-30 19:35:52.387029+00', 7, 7, 30000000000, '2026-11-30 19:35:53.322056+00');


--
-- Data for Name: ninebits_request; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_request VALUES (3, '001796067353330r0e994f6612c0176b', 'ninebits', 'uncertain', NULL, NULL, '2026-11-30 19:35:53.33831+00', false, '2026-11-30 19:35:53.34016+00', NULL, NULL);
INSERT INTO public.ninebits_request VALUES (4, '001796067353350rb3a0f3e7842b09e3', 'ninebits', 'refused', NULL, 'answer', '2026-11-30 19:35:53.357984+00', false, '2026-11-30 19:35:53.359224+00', NULL, NULL);
INSERT INTO public.ninebits_request VALUES (2, '001796067353313r9f6529c46217975c', 'ninebits', 'accepted', 'r1', 'answer', '2026-11-30 19:35:53.320138+00', false, '2026-11-30 19:35:53.321241+00', 7, 'a detail');


--
-- Data for Name: ninebits_send; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_send VALUES ('001796067353311r05d5dbb3ed40edae', 'd31e014808ecdd2af298adba9ed7b5023c9d07c4120d169acce58ba32e8e0c01', 'default', NULL, NULL, NULL, NULL, '2026-11-30 19:35:53.3121+00', NULL, NULL, NULL);
INSERT INTO public.ninebits_send VALUES ('001796067353329r46df7118f7c0e5d4', NULL, 'default', NULL, NULL, NULL, NULL, '2026-11-30 19:35:53.329487+00', NULL, NULL, NULL);
INSERT INTO public.ninebits_send VALUES ('001796067353348r91c7af413e89239e', '83c874d33e8bff73caaa762c79cd1ed101d727c7f20fe4972c67e67978292f23', 'default', NULL, NULL, NULL, NULL, '2026-11-30 19:35:53.348637+00', NULL, NULL, NULL);
INSERT INTO public.ninebits_send VALUES ('001796067353372raf39a499a8dbda41', '9b0f1b10aff55228716a1fbbc59bda8fe735ed14ccd5e2c5226a9ab72a48d47e', 'default', NULL, NULL, NULL, NULL, '2026-11-30 19:35:53.373174+00', NULL, NULL, NULL);
INSERT INTO public.ninebits_send VALUES ('001796067353172r3aaa41c2bbd608ef', '06ffaca77b9e061c99f5e3ff25851ba2a587068b9f16d30b1d1c5e612321fb2a', 'default', 'a dag_id', 'a run_id', 'a task_id', 7, '2026-09-01 19:35:53.173272+00', 'a planner', '2026-11-30 19:35:52.387029+00', 'purged');


--
-- Data for Name: ninebits_subscription; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_subscription VALUES ('16d113c986f3035cc1369bda1bc0cb06642482644aff7ae973a0186f94649688', 'default', true, true, true, '2026-11-30 19:35:53.163984+00', '2026-11-30 19:35:53.163984+00');


--
-- Data for Name: ninebits_task; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_task VALUES ('aedc37a86d9f8ebff2b724623884a4b8ab869f1c6094feb7f884753a0913bf51', 0, 'ti', 1, 2, false, '2026-11-30 19:35:53.391182+00');


--
-- Data for Name: ninebits_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ninebits_version VALUES ('0001');


--
-- Name: ninebits_callback_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ninebits_callback_id_seq', 6, true);


--
-- Name: ninebits_event_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ninebits_event_id_seq', 3, true);


--
-- Name: ninebits_purge_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ninebits_purge_id_seq', 1, true);


--
-- Name: ninebits_receipt_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ninebits_receipt_id_seq', 1, true);


--
-- Name: ninebits_recipient_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ninebits_recipient_id_seq', 6, true);


--
-- Name: ninebits_request_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ninebits_request_id_seq', 4, true);


--
-- Name: ninebits_version ninebits_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_version
    ADD CONSTRAINT ninebits_version_pkc PRIMARY KEY (version_num);


--
-- Name: ninebits_alert pk_ninebits_alert; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_alert
    ADD CONSTRAINT pk_ninebits_alert PRIMARY KEY (key);


--
-- Name: ninebits_callback pk_ninebits_callback; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_callback
    ADD CONSTRAINT pk_ninebits_callback PRIMARY KEY (id);


--
-- Name: ninebits_escalation pk_ninebits_escalation; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_escalation
    ADD CONSTRAINT pk_ninebits_escalation PRIMARY KEY (id);


--
-- Name: ninebits_escalation_watch pk_ninebits_escalation_watch; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_escalation_watch
    ADD CONSTRAINT pk_ninebits_escalation_watch PRIMARY KEY (deployment);


--
-- Name: ninebits_event pk_ninebits_event; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_event
    ADD CONSTRAINT pk_ninebits_event PRIMARY KEY (id);


--
-- Name: ninebits_message pk_ninebits_message; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_message
    ADD CONSTRAINT pk_ninebits_message PRIMARY KEY (id);


--
-- Name: ninebits_purge pk_ninebits_purge; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_purge
    ADD CONSTRAINT pk_ninebits_purge PRIMARY KEY (id);


--
-- Name: ninebits_receipt pk_ninebits_receipt; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_receipt
    ADD CONSTRAINT pk_ninebits_receipt PRIMARY KEY (id);


--
-- Name: ninebits_receiver pk_ninebits_receiver; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_receiver
    ADD CONSTRAINT pk_ninebits_receiver PRIMARY KEY (id);


--
-- Name: ninebits_recipient pk_ninebits_recipient; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_recipient
    ADD CONSTRAINT pk_ninebits_recipient PRIMARY KEY (id);


--
-- Name: ninebits_request pk_ninebits_request; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_request
    ADD CONSTRAINT pk_ninebits_request PRIMARY KEY (id);


--
-- Name: ninebits_send pk_ninebits_send; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_send
    ADD CONSTRAINT pk_ninebits_send PRIMARY KEY (id);


--
-- Name: ninebits_subscription pk_ninebits_subscription; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_subscription
    ADD CONSTRAINT pk_ninebits_subscription PRIMARY KEY (id);


--
-- Name: ninebits_task pk_ninebits_task; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_task
    ADD CONSTRAINT pk_ninebits_task PRIMARY KEY (place_key);


--
-- Name: ninebits_callback uq_ninebits_callback_identity; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_callback
    ADD CONSTRAINT uq_ninebits_callback_identity UNIQUE (identity);


--
-- Name: ninebits_message uq_ninebits_message_send_id_part; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_message
    ADD CONSTRAINT uq_ninebits_message_send_id_part UNIQUE (send_id, part);


--
-- Name: ninebits_recipient uq_ninebits_recipient_send_id_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_recipient
    ADD CONSTRAINT uq_ninebits_recipient_send_id_number UNIQUE (send_id, number);


--
-- Name: ninebits_send uq_ninebits_send_idempotency_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_send
    ADD CONSTRAINT uq_ninebits_send_idempotency_key UNIQUE (idempotency_key);


--
-- Name: ix_ninebits_alert_seen_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_alert_seen_at ON public.ninebits_alert USING btree (seen_at);


--
-- Name: ix_ninebits_callback_answered_request; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_callback_answered_request ON public.ninebits_callback USING btree (request_id) WHERE ((recipient_id IS NULL) AND (request_id IS NOT NULL));


--
-- Name: ix_ninebits_callback_dead_letter; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_callback_dead_letter ON public.ninebits_callback USING btree (received_at, id) WHERE 
CASE match_state
    WHEN 'matched'::text THEN ambiguous
    ELSE true
END;


--
-- Name: ix_ninebits_callback_received_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_callback_received_at ON public.ninebits_callback USING btree (received_at);


--
-- Name: ix_ninebits_callback_recipient_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_callback_recipient_id ON public.ninebits_callback USING btree (recipient_id) WHERE (recipient_id IS NOT NULL);


--
-- Name: ix_ninebits_callback_waiting_answer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_callback_waiting_answer ON public.ninebits_callback USING btree (received_at) WHERE (((match_state)::text = 'unmatched'::text) AND ((kind)::text = 'answer'::text));


--
-- Name: ix_ninebits_callback_waiting_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_callback_waiting_number ON public.ninebits_callback USING btree (number) WHERE (((match_state)::text = 'unmatched'::text) AND (number IS NOT NULL));


--
-- Name: ix_ninebits_callback_waiting_ref_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_callback_waiting_ref_id ON public.ninebits_callback USING btree (ref_id) WHERE (((match_state)::text = 'unmatched'::text) AND (ref_id IS NOT NULL));


--
-- Name: ix_ninebits_escalation_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_escalation_created_at ON public.ninebits_escalation USING btree (created_at);


--
-- Name: ix_ninebits_event_recipient_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_event_recipient_id ON public.ninebits_event USING btree (recipient_id);


--
-- Name: ix_ninebits_event_subscription_id_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_event_subscription_id_id ON public.ninebits_event USING btree (subscription_id, id);


--
-- Name: ix_ninebits_message_conn_id_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_message_conn_id_created_at_id ON public.ninebits_message USING btree (conn_id, created_at, id);


--
-- Name: ix_ninebits_message_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_message_created_at_id ON public.ninebits_message USING btree (created_at, id);


--
-- Name: ix_ninebits_message_dag_id_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_message_dag_id_created_at_id ON public.ninebits_message USING btree (dag_id, created_at, id);


--
-- Name: ix_ninebits_message_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_message_open ON public.ninebits_message USING btree (state) WHERE ((state)::text = ANY ((ARRAY['sending'::character varying, 'uncertain'::character varying])::text[]));


--
-- Name: ix_ninebits_receipt_message_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_receipt_message_id ON public.ninebits_receipt USING btree (message_id);


--
-- Name: ix_ninebits_receipt_ref_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_receipt_ref_id ON public.ninebits_receipt USING btree (ref_id);


--
-- Name: ix_ninebits_receipt_send_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_receipt_send_id ON public.ninebits_receipt USING btree (send_id);


--
-- Name: ix_ninebits_receiver_heartbeat_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_receiver_heartbeat_at ON public.ninebits_receiver USING btree (heartbeat_at);


--
-- Name: ix_ninebits_recipient_message_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_recipient_message_id ON public.ninebits_recipient USING btree (message_id);


--
-- Name: ix_ninebits_recipient_number_message_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_recipient_number_message_id ON public.ninebits_recipient USING btree (number, message_id);


--
-- Name: ix_ninebits_request_late; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_request_late ON public.ninebits_request USING btree (started_at) WHERE late;


--
-- Name: ix_ninebits_request_message_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_request_message_id ON public.ninebits_request USING btree (message_id);


--
-- Name: ix_ninebits_request_nameless; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_request_nameless ON public.ninebits_request USING btree (conn_id) WHERE ((ref_id IS NULL) AND ((state)::text <> 'refused'::text));


--
-- Name: ix_ninebits_request_ref_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_request_ref_id ON public.ninebits_request USING btree (ref_id);


--
-- Name: ix_ninebits_request_started_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_request_started_at ON public.ninebits_request USING btree (started_at);


--
-- Name: ix_ninebits_send_purge_state_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_send_purge_state_created_at ON public.ninebits_send USING btree (purge_state, created_at);


--
-- Name: ix_ninebits_send_run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_send_run_id ON public.ninebits_send USING btree (run_id);


--
-- Name: ix_ninebits_task_seen_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_ninebits_task_seen_at ON public.ninebits_task USING btree (seen_at);


--
-- Name: ninebits_message fk_ninebits_message_send_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_message
    ADD CONSTRAINT fk_ninebits_message_send_id FOREIGN KEY (send_id) REFERENCES public.ninebits_send(id) ON DELETE CASCADE;


--
-- Name: ninebits_receipt fk_ninebits_receipt_send_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_receipt
    ADD CONSTRAINT fk_ninebits_receipt_send_id FOREIGN KEY (send_id) REFERENCES public.ninebits_send(id) ON DELETE CASCADE;


--
-- Name: ninebits_recipient fk_ninebits_recipient_message_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_recipient
    ADD CONSTRAINT fk_ninebits_recipient_message_id FOREIGN KEY (message_id) REFERENCES public.ninebits_message(id) ON DELETE CASCADE;


--
-- Name: ninebits_recipient fk_ninebits_recipient_send_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_recipient
    ADD CONSTRAINT fk_ninebits_recipient_send_id FOREIGN KEY (send_id) REFERENCES public.ninebits_send(id) ON DELETE CASCADE;


--
-- Name: ninebits_request fk_ninebits_request_message_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ninebits_request
    ADD CONSTRAINT fk_ninebits_request_message_id FOREIGN KEY (message_id) REFERENCES public.ninebits_message(id) ON DELETE CASCADE;


--
--


