BEGIN TRANSACTION;
CREATE TABLE ninebits_alert (
	"key" VARCHAR(64) NOT NULL, 
	deployment VARCHAR(250) NOT NULL, 
	dedup_key TEXT NOT NULL, 
	rings INTEGER DEFAULT '0' NOT NULL, 
	rang_at DATETIME, 
	dag_id TEXT, 
	run_id TEXT, 
	task_id TEXT, 
	ring_id VARCHAR(32), 
	begun_at DATETIME, 
	owner VARCHAR(32), 
	claimed_until DATETIME, 
	held_back INTEGER DEFAULT '0' NOT NULL, 
	held_back_in_all INTEGER DEFAULT '0' NOT NULL, 
	held_back_at DATETIME, 
	held_back_dag_id TEXT, 
	held_back_run_id TEXT, 
	held_back_task_id TEXT, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_alert PRIMARY KEY ("key")
);
INSERT INTO "ninebits_alert" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','default','alerts manual__1',0,'2026-11-30 19:35:51.952762','a dag_id','a run_id','a task_id','730b0390b42dea3a71a3bdaadd41af82','2026-11-30 19:35:52.956171','me','2026-11-30 19:36:06.956171',0,0,'2026-11-30 19:35:51.952762','a held_back_dag_','a held_back_run_','a held_back_task','2026-11-30 19:35:52.956171');
CREATE TABLE ninebits_callback (
	id INTEGER NOT NULL, 
	received_at DATETIME NOT NULL, 
	receiver_id VARCHAR(32), 
	conn_path TEXT, 
	kind VARCHAR(16) NOT NULL, 
	raw BLOB NOT NULL, 
	identity VARCHAR(64), 
	repeats INTEGER DEFAULT '0' NOT NULL, 
	ref_id VARCHAR(128), 
	number VARCHAR(32), 
	inbound BOOLEAN DEFAULT false NOT NULL, 
	started_at DATETIME, 
	answered_at DATETIME, 
	ended_at DATETIME, 
	total_duration INTEGER, 
	call_duration INTEGER, 
	total_amount BIGINT, 
	status INTEGER, 
	detail TEXT, 
	match_state VARCHAR(16) NOT NULL, 
	ambiguous BOOLEAN DEFAULT false NOT NULL, 
	recipient_id INTEGER, 
	request_id INTEGER, 
	CONSTRAINT pk_ninebits_callback PRIMARY KEY (id), 
	CONSTRAINT uq_ninebits_callback_identity UNIQUE (identity)
);
INSERT INTO "ninebits_callback" VALUES(1,'2026-11-30 19:35:52.933160','a receiver_id','a conn_path','call',X'7B7D','ada',0,'r1','2348020000001',0,'2026-11-30 19:35:51.952762','2026-11-30 19:35:52.933094','2026-11-30 19:35:51.952762',7,7,30000000000,NULL,NULL,'matched',0,1,1);
INSERT INTO "ninebits_callback" VALUES(2,'2026-11-30 19:35:52.933160',NULL,NULL,'call',X'7B7D','ben',0,'r1','2348020000002',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'matched',0,2,1);
INSERT INTO "ninebits_callback" VALUES(3,'2026-11-30 19:35:52.950383',NULL,NULL,'call',X'7B7D',NULL,0,NULL,'2349000000000',0,NULL,'2026-11-30 19:35:52.950309',NULL,NULL,NULL,NULL,NULL,NULL,'unmatched',0,NULL,NULL);
INSERT INTO "ninebits_callback" VALUES(4,'2026-11-30 19:35:52.950383',NULL,NULL,'call',X'7B7D',NULL,0,NULL,'2348020000003',1,NULL,'2026-11-30 19:35:52.950316',NULL,NULL,NULL,NULL,NULL,NULL,'inbound',0,NULL,NULL);
INSERT INTO "ninebits_callback" VALUES(5,'2026-11-30 19:35:52.950383',NULL,NULL,'answer',X'7B7D',NULL,0,'r1',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,200,'not possible','matched',0,NULL,1);
CREATE TABLE ninebits_escalation (
	id VARCHAR(32) NOT NULL, 
	first_key VARCHAR(64) NOT NULL, 
	deployment VARCHAR(250) NOT NULL, 
	dedup_key TEXT NOT NULL, 
	dag_id TEXT, 
	run_id TEXT, 
	task_id TEXT, 
	conn_id TEXT NOT NULL, 
	media_url TEXT NOT NULL, 
	from_number VARCHAR(64), 
	contacts TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	taken_by TEXT, 
	CONSTRAINT pk_ninebits_escalation PRIMARY KEY (id)
);
INSERT INTO "ninebits_escalation" VALUES('11111111111111111111111111111111','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','default','etl manual__1','etl','manual__1','a task_id','ninebits_default','https://media.test/a.mp3?signature=1','a from_number','[["2348020000001"], ["2348020000002", "2348020000003"]]','2026-11-30 19:35:52.957759','a taken_by');
CREATE TABLE ninebits_escalation_watch (
	deployment VARCHAR(250) NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_escalation_watch PRIMARY KEY (deployment)
);
INSERT INTO "ninebits_escalation_watch" VALUES('default','2026-11-30 19:35:52.957130');
CREATE TABLE ninebits_event (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subscription_id VARCHAR(64) NOT NULL, 
	recipient_id INTEGER NOT NULL, 
	message_id VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	started_at DATETIME, 
	answered_at DATETIME, 
	ended_at DATETIME, 
	total_duration INTEGER, 
	call_duration INTEGER, 
	total_amount BIGINT
);
INSERT INTO "ninebits_event" VALUES(2,'16d113c986f3035cc1369bda1bc0cb06642482644aff7ae973a0186f94649688',1,'001796067352928r164845a845c33bf2','answered',1,'2026-11-30 19:35:51.952762','2026-11-30 19:35:52.933094','2026-11-30 19:35:51.952762',7,7,30000000000);
INSERT INTO "ninebits_event" VALUES(3,'16d113c986f3035cc1369bda1bc0cb06642482644aff7ae973a0186f94649688',2,'001796067352928r164845a845c33bf2','unanswered',1,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE ninebits_message (
	id VARCHAR(32) NOT NULL, 
	send_id VARCHAR(32) NOT NULL, 
	part INTEGER NOT NULL, 
	conn_id TEXT NOT NULL, 
	dag_id TEXT, 
	media_url TEXT NOT NULL, 
	from_number VARCHAR(64), 
	state VARCHAR(16) NOT NULL, 
	owner VARCHAR(64), 
	lease_expires_at DATETIME, 
	recipients INTEGER NOT NULL, 
	zones TEXT, 
	answered INTEGER DEFAULT '0' NOT NULL, 
	unanswered INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	total_amount BIGINT DEFAULT '0' NOT NULL, 
	last_callback_at DATETIME, 
	revision INTEGER DEFAULT '0' NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_message PRIMARY KEY (id), 
	CONSTRAINT fk_ninebits_message_send_id FOREIGN KEY(send_id) REFERENCES ninebits_send (id) ON DELETE CASCADE, 
	CONSTRAINT uq_ninebits_message_send_id_part UNIQUE (send_id, part)
);
INSERT INTO "ninebits_message" VALUES('001796067352928r164845a845c33bf2','001796067352927rfb407c7672a6b71d',0,'ninebits','a dag_id','https://media.test/a.mp3','a from_number','accepted','a test','2026-11-30 19:36:52.931934',2,'a zones',1,1,0,30000000000,'2026-11-30 19:35:52.933160',3,'2026-11-30 19:35:52.928709');
INSERT INTO "ninebits_message" VALUES('001796067352936rc91313389cb85747','001796067352935r14d969d9cf27926d',0,'ninebits',NULL,'https://media.test/a.mp3',NULL,'uncertain','a test',NULL,1,NULL,0,0,0,0,NULL,2,'2026-11-30 19:35:52.936255');
INSERT INTO "ninebits_message" VALUES('001796067352940r953145e182948ad1','001796067352940r7d16a30ffb7da353',0,'ninebits',NULL,'https://media.test/a.mp3',NULL,'refused','a test',NULL,1,NULL,0,0,0,0,NULL,2,'2026-11-30 19:35:52.940797');
INSERT INTO "ninebits_message" VALUES('001796067352948rbbecf49e0e939d95','001796067352946r278316861d8920c6',0,'ninebits',NULL,'https://media.test/a.mp3',NULL,'planned',NULL,NULL,1,NULL,0,0,0,0,NULL,0,'2026-11-30 19:35:52.948489');
CREATE TABLE ninebits_purge (
	id INTEGER NOT NULL, 
	purged_until DATETIME NOT NULL, 
	begun_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_purge PRIMARY KEY (id)
);
INSERT INTO "ninebits_purge" VALUES(1,'2026-09-01 19:35:52.906897','2026-11-30 19:35:52.906897');
CREATE TABLE ninebits_receipt (
	id INTEGER NOT NULL, 
	send_id VARCHAR(32) NOT NULL, 
	message_id VARCHAR(32) NOT NULL, 
	part INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	recipients INTEGER NOT NULL, 
	ref_id VARCHAR(128), 
	CONSTRAINT pk_ninebits_receipt PRIMARY KEY (id), 
	CONSTRAINT fk_ninebits_receipt_send_id FOREIGN KEY(send_id) REFERENCES ninebits_send (id) ON DELETE CASCADE
);
INSERT INTO "ninebits_receipt" VALUES(1,'001796067352882r1e5911c9c5215510','001796067352884r9953dcead6dd4cb2',0,'accepted',1,'purged');
CREATE TABLE ninebits_receiver (
	id VARCHAR(32) NOT NULL, 
	host TEXT NOT NULL, 
	started_at DATETIME NOT NULL, 
	up_since DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	stopped BOOLEAN DEFAULT false NOT NULL, 
	unauthorized INTEGER DEFAULT '0' NOT NULL, 
	last_unauthorized_at DATETIME, 
	oversized INTEGER DEFAULT '0' NOT NULL, 
	last_oversized_at DATETIME, 
	unavailable INTEGER DEFAULT '0' NOT NULL, 
	last_unavailable_at DATETIME, 
	CONSTRAINT pk_ninebits_receiver PRIMARY KEY (id)
);
INSERT INTO "ninebits_receiver" VALUES('d3dcd80fec1cae456fae607c12371939','a-host','2026-11-30 19:35:52.952762','2026-11-30 19:35:52.952762','2026-11-30 19:35:52.953378',0,1,'2026-11-30 19:35:52.953378',1,'2026-11-30 19:35:52.953378',1,'2026-11-30 19:35:52.953378');
CREATE TABLE ninebits_recipient (
	id INTEGER NOT NULL, 
	send_id VARCHAR(32) NOT NULL, 
	message_id VARCHAR(32) NOT NULL, 
	number VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	started_at DATETIME, 
	answered_at DATETIME, 
	ended_at DATETIME, 
	total_duration INTEGER, 
	call_duration INTEGER, 
	total_amount BIGINT, 
	last_callback_at DATETIME, 
	CONSTRAINT pk_ninebits_recipient PRIMARY KEY (id), 
	CONSTRAINT fk_ninebits_recipient_message_id FOREIGN KEY(message_id) REFERENCES ninebits_message (id) ON DELETE CASCADE, 
	CONSTRAINT fk_ninebits_recipient_send_id FOREIGN KEY(send_id) REFERENCES ninebits_send (id) ON DELETE CASCADE, 
	CONSTRAINT uq_ninebits_recipient_send_id_number UNIQUE (send_id, number)
);
INSERT INTO "ninebits_recipient" VALUES(1,'001796067352927rfb407c7672a6b71d','001796067352928r164845a845c33bf2','2348020000001','answered',1,'2026-11-30 19:35:51.952762','2026-11-30 19:35:52.933094','2026-11-30 19:35:51.952762',7,7,30000000000,'2026-11-30 19:35:52.933160');
INSERT INTO "ninebits_recipient" VALUES(2,'001796067352927rfb407c7672a6b71d','001796067352928r164845a845c33bf2','2348020000002','unanswered',1,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-30 19:35:52.933160');
INSERT INTO "ninebits_recipient" VALUES(3,'001796067352935r14d969d9cf27926d','001796067352936rc91313389cb85747','2348020000003','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ninebits_recipient" VALUES(4,'001796067352940r7d16a30ffb7da353','001796067352940r953145e182948ad1','2348020000001','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ninebits_recipient" VALUES(5,'001796067352946r278316861d8920c6','001796067352948rbbecf49e0e939d95','2348020000002','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE ninebits_request (
	id INTEGER NOT NULL, 
	message_id VARCHAR(32) NOT NULL, 
	conn_id TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	ref_id VARCHAR(128), 
	known_by VARCHAR(16), 
	started_at DATETIME NOT NULL, 
	late BOOLEAN DEFAULT false NOT NULL, 
	finished_at DATETIME, 
	status INTEGER, 
	detail TEXT, 
	CONSTRAINT pk_ninebits_request PRIMARY KEY (id), 
	CONSTRAINT fk_ninebits_request_message_id FOREIGN KEY(message_id) REFERENCES ninebits_message (id) ON DELETE CASCADE
);
INSERT INTO "ninebits_request" VALUES(1,'001796067352928r164845a845c33bf2','ninebits','accepted','r1','answer','2026-11-30 19:35:52.931934',0,'2026-11-30 19:35:52.932595',7,'a detail');
INSERT INTO "ninebits_request" VALUES(2,'001796067352936rc91313389cb85747','ninebits','uncertain',NULL,NULL,'2026-11-30 19:35:52.938529',0,'2026-11-30 19:35:52.939013',NULL,NULL);
INSERT INTO "ninebits_request" VALUES(3,'001796067352940r953145e182948ad1','ninebits','refused',NULL,'answer','2026-11-30 19:35:52.942836',0,'2026-11-30 19:35:52.943300',NULL,NULL);
CREATE TABLE ninebits_send (
	id VARCHAR(32) NOT NULL, 
	idempotency_key VARCHAR(64), 
	deployment VARCHAR(250) NOT NULL, 
	dag_id TEXT, 
	run_id TEXT, 
	task_id TEXT, 
	map_index INTEGER, 
	created_at DATETIME NOT NULL, 
	planner VARCHAR(32), 
	planner_expires_at DATETIME, 
	purge_state VARCHAR(16), 
	CONSTRAINT pk_ninebits_send PRIMARY KEY (id), 
	CONSTRAINT uq_ninebits_send_idempotency_key UNIQUE (idempotency_key)
);
INSERT INTO "ninebits_send" VALUES('001796067352882r1e5911c9c5215510','06ffaca77b9e061c99f5e3ff25851ba2a587068b9f16d30b1d1c5e612321fb2a','default','a dag_id','a run_id','a task_id',7,'2026-09-01 19:35:52.882265','a planner','2026-11-30 19:35:51.952762','purged');
INSERT INTO "ninebits_send" VALUES('001796067352927rfb407c7672a6b71d','d31e014808ecdd2af298adba9ed7b5023c9d07c4120d169acce58ba32e8e0c01','default',NULL,NULL,NULL,NULL,'2026-11-30 19:35:52.927682',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('001796067352935r14d969d9cf27926d',NULL,'default',NULL,NULL,NULL,NULL,'2026-11-30 19:35:52.935552',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('001796067352940r7d16a30ffb7da353','83c874d33e8bff73caaa762c79cd1ed101d727c7f20fe4972c67e67978292f23','default',NULL,NULL,NULL,NULL,'2026-11-30 19:35:52.940168',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('001796067352946r278316861d8920c6','9b0f1b10aff55228716a1fbbc59bda8fe735ed14ccd5e2c5226a9ab72a48d47e','default',NULL,NULL,NULL,NULL,'2026-11-30 19:35:52.946325',NULL,NULL,NULL);
CREATE TABLE ninebits_subscription (
	id VARCHAR(64) NOT NULL, 
	deployment VARCHAR(250) NOT NULL, 
	answered BOOLEAN NOT NULL, 
	unanswered BOOLEAN NOT NULL, 
	failed BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_subscription PRIMARY KEY (id)
);
INSERT INTO "ninebits_subscription" VALUES('16d113c986f3035cc1369bda1bc0cb06642482644aff7ae973a0186f94649688','default',1,1,1,'2026-11-30 19:35:52.878216','2026-11-30 19:35:52.878216');
CREATE TABLE ninebits_task (
	place_key VARCHAR(64) NOT NULL, 
	generation INTEGER NOT NULL, 
	task_instance_id VARCHAR(64) NOT NULL, 
	try_number INTEGER NOT NULL, 
	max_tries INTEGER NOT NULL, 
	finished BOOLEAN NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_task PRIMARY KEY (place_key)
);
INSERT INTO "ninebits_task" VALUES('aedc37a86d9f8ebff2b724623884a4b8ab869f1c6094feb7f884753a0913bf51',0,'ti',1,2,0,'2026-11-30 19:35:52.954922');
CREATE TABLE ninebits_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT ninebits_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "ninebits_version" VALUES('0001');
CREATE INDEX ix_ninebits_send_purge_state_created_at ON ninebits_send (purge_state, created_at);
CREATE INDEX ix_ninebits_send_run_id ON ninebits_send (run_id);
CREATE INDEX ix_ninebits_receipt_message_id ON ninebits_receipt (message_id);
CREATE INDEX ix_ninebits_receipt_ref_id ON ninebits_receipt (ref_id);
CREATE INDEX ix_ninebits_receipt_send_id ON ninebits_receipt (send_id);
CREATE INDEX ix_ninebits_task_seen_at ON ninebits_task (seen_at);
CREATE INDEX ix_ninebits_message_created_at_id ON ninebits_message (created_at, id);
CREATE INDEX ix_ninebits_message_conn_id_created_at_id ON ninebits_message (conn_id, created_at, id);
CREATE INDEX ix_ninebits_message_dag_id_created_at_id ON ninebits_message (dag_id, created_at, id);
CREATE INDEX ix_ninebits_message_open ON ninebits_message (state) WHERE state in ('sending', 'uncertain');
CREATE INDEX ix_ninebits_recipient_message_id ON ninebits_recipient (message_id);
CREATE INDEX ix_ninebits_recipient_number_message_id ON ninebits_recipient (number, message_id);
CREATE INDEX ix_ninebits_request_message_id ON ninebits_request (message_id);
CREATE INDEX ix_ninebits_request_nameless ON ninebits_request (conn_id) WHERE ref_id is null and state <> 'refused';
CREATE INDEX ix_ninebits_request_late ON ninebits_request (started_at) WHERE late;
CREATE INDEX ix_ninebits_request_ref_id ON ninebits_request (ref_id);
CREATE INDEX ix_ninebits_request_started_at ON ninebits_request (started_at);
CREATE INDEX ix_ninebits_receiver_heartbeat_at ON ninebits_receiver (heartbeat_at);
CREATE INDEX ix_ninebits_callback_received_at ON ninebits_callback (received_at);
CREATE INDEX ix_ninebits_callback_dead_letter ON ninebits_callback (received_at, id) WHERE case match_state when 'matched' then ambiguous else true end;
CREATE INDEX ix_ninebits_callback_recipient_id ON ninebits_callback (recipient_id) WHERE recipient_id is not null;
CREATE INDEX ix_ninebits_callback_answered_request ON ninebits_callback (request_id) WHERE recipient_id is null and request_id is not null;
CREATE INDEX ix_ninebits_callback_waiting_number ON ninebits_callback (number) WHERE match_state = 'unmatched' and number is not null;
CREATE INDEX ix_ninebits_callback_waiting_answer ON ninebits_callback (received_at) WHERE match_state = 'unmatched' and kind = 'answer';
CREATE INDEX ix_ninebits_callback_waiting_ref_id ON ninebits_callback (ref_id) WHERE match_state = 'unmatched' and ref_id is not null;
CREATE INDEX ix_ninebits_alert_seen_at ON ninebits_alert (seen_at);
CREATE INDEX ix_ninebits_escalation_created_at ON ninebits_escalation (created_at);
CREATE INDEX ix_ninebits_event_recipient_id ON ninebits_event (recipient_id);
CREATE INDEX ix_ninebits_event_subscription_id_id ON ninebits_event (subscription_id, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('ninebits_event',3);
COMMIT;
