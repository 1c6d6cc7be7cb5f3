BEGIN TRANSACTION;
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
	CONSTRAINT fk_ninebits_callback_recipient_id FOREIGN KEY(recipient_id) REFERENCES ninebits_recipient (id) ON DELETE SET NULL, 
	CONSTRAINT fk_ninebits_callback_request_id FOREIGN KEY(request_id) REFERENCES ninebits_request (id) ON DELETE SET NULL, 
	CONSTRAINT uq_ninebits_callback_identity UNIQUE (identity)
);
INSERT INTO "ninebits_callback" VALUES(1,'2026-11-24 23:15:56.610180','a receiver_id','a conn_path','call',X'7B7D','ada',0,'r1','2348020000001',0,'2026-11-24 23:15:55.960171','2026-11-24 23:15:56.609895','2026-11-24 23:15:55.960171',7,7,30000000000,NULL,NULL,'matched',0,1,1);
INSERT INTO "ninebits_callback" VALUES(2,'2026-11-24 23:15:56.610180',NULL,NULL,'call',X'7B7D','ben',0,'r1','2348020000002',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'matched',0,2,1);
INSERT INTO "ninebits_callback" VALUES(3,'2026-11-24 23:15:56.886952',NULL,NULL,'call',X'7B7D',NULL,0,NULL,'2349000000000',0,NULL,'2026-11-24 23:15:56.886778',NULL,NULL,NULL,NULL,NULL,NULL,'unmatched',0,NULL,NULL);
INSERT INTO "ninebits_callback" VALUES(4,'2026-11-24 23:15:56.886952',NULL,NULL,'call',X'7B7D',NULL,0,NULL,'2348020000003',1,NULL,'2026-11-24 23:15:56.886794',NULL,NULL,NULL,NULL,NULL,NULL,'inbound',0,NULL,NULL);
INSERT INTO "ninebits_callback" VALUES(5,'2026-11-24 23:15:56.886952',NULL,NULL,'answer',X'7B7D',NULL,0,'r1',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,200,'not possible','matched',0,NULL,1);
CREATE TABLE ninebits_message (
	id VARCHAR(32) NOT NULL, 
	send_id VARCHAR(32) NOT NULL, 
	part INTEGER NOT NULL, 
	conn_id TEXT NOT NULL, 
	media_url TEXT NOT NULL, 
	from_number VARCHAR(64), 
	state VARCHAR(16) NOT NULL, 
	owner VARCHAR(64), 
	lease_expires_at DATETIME, 
	recipients INTEGER NOT NULL, 
	answered INTEGER DEFAULT '0' NOT NULL, 
	unanswered INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	last_callback_at DATETIME, 
	revision INTEGER DEFAULT '0' NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_message PRIMARY KEY (id), 
	CONSTRAINT fk_ninebits_message_send_id FOREIGN KEY(send_id) REFERENCES ninebits_send (id) ON DELETE CASCADE, 
	CONSTRAINT uq_ninebits_message_send_id_part UNIQUE (send_id, part)
);
INSERT INTO "ninebits_message" VALUES('e7d6ab2fa23ffc5f6988cf261fffab57','1051c4a5bac9b30e3630d2ff5c811054',0,'ninebits','https://media.test/a.mp3',NULL,'accepted','a test','2026-11-24 23:16:56.590706',2,1,1,0,'2026-11-24 23:15:56.610180',3,'2026-11-24 23:15:56.554992');
INSERT INTO "ninebits_message" VALUES('d5e4d71cfe8727aad8f53388e1e46c39','c070d7680bd12e560f95402bee5339ba',0,'ninebits','https://media.test/a.mp3',NULL,'uncertain','a test',NULL,1,0,0,0,NULL,2,'2026-11-24 23:15:56.638091');
INSERT INTO "ninebits_message" VALUES('0109df0554f74291240ae75a1106d962','212923ab62990dd3d1ac3d4b0ae49557',0,'ninebits','https://media.test/a.mp3','a from_number','refused','a test',NULL,1,0,0,0,NULL,2,'2026-11-24 23:15:56.727505');
INSERT INTO "ninebits_message" VALUES('b0c7f6e3f2c5fda0691ae12147eb5fb7','6609eda9caa582cb9ab5d317fe68a688',0,'ninebits','https://media.test/a.mp3',NULL,'planned',NULL,NULL,1,0,0,0,NULL,0,'2026-11-24 23:15:56.876654');
CREATE TABLE ninebits_purge (
	id INTEGER NOT NULL, 
	purged_until DATETIME NOT NULL, 
	begun_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_purge PRIMARY KEY (id)
);
INSERT INTO "ninebits_purge" VALUES(1,'2026-08-26 23:15:56.337666','2026-11-24 23:15:56.337666');
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
INSERT INTO "ninebits_receipt" VALUES(1,'a05770a2d41e59dd0fff5fb9f8a50bbd','ca992ffcdc3c1a41ee0eb84af241a492',0,'accepted',1,'purged');
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
INSERT INTO "ninebits_receiver" VALUES('a06561e474281318eec6eca27615a779','a-host','2026-11-24 23:15:56.960171','2026-11-24 23:15:56.960171','2026-11-24 23:15:56.994679',0,1,'2026-11-24 23:15:56.994679',1,'2026-11-24 23:15:56.994679',1,'2026-11-24 23:15:56.994679');
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
INSERT INTO "ninebits_recipient" VALUES(1,'1051c4a5bac9b30e3630d2ff5c811054','e7d6ab2fa23ffc5f6988cf261fffab57','2348020000001','answered',1,'2026-11-24 23:15:55.960171','2026-11-24 23:15:56.609895','2026-11-24 23:15:55.960171',7,7,30000000000,'2026-11-24 23:15:56.610180');
INSERT INTO "ninebits_recipient" VALUES(2,'1051c4a5bac9b30e3630d2ff5c811054','e7d6ab2fa23ffc5f6988cf261fffab57','2348020000002','unanswered',1,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-24 23:15:56.610180');
INSERT INTO "ninebits_recipient" VALUES(3,'c070d7680bd12e560f95402bee5339ba','d5e4d71cfe8727aad8f53388e1e46c39','2348020000003','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ninebits_recipient" VALUES(4,'212923ab62990dd3d1ac3d4b0ae49557','0109df0554f74291240ae75a1106d962','2348020000001','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ninebits_recipient" VALUES(5,'6609eda9caa582cb9ab5d317fe68a688','b0c7f6e3f2c5fda0691ae12147eb5fb7','2348020000002','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE ninebits_request (
	id INTEGER NOT NULL, 
	message_id VARCHAR(32) NOT NULL, 
	conn_id TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	ref_id VARCHAR(128), 
	known_by VARCHAR(16), 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	status INTEGER, 
	detail TEXT, 
	CONSTRAINT pk_ninebits_request PRIMARY KEY (id), 
	CONSTRAINT fk_ninebits_request_message_id FOREIGN KEY(message_id) REFERENCES ninebits_message (id) ON DELETE CASCADE
);
INSERT INTO "ninebits_request" VALUES(1,'e7d6ab2fa23ffc5f6988cf261fffab57','ninebits','accepted','r1','answer','2026-11-24 23:15:56.590706','2026-11-24 23:15:56.600993',7,'a detail');
INSERT INTO "ninebits_request" VALUES(2,'d5e4d71cfe8727aad8f53388e1e46c39','ninebits','uncertain',NULL,NULL,'2026-11-24 23:15:56.666186','2026-11-24 23:15:56.690122',NULL,NULL);
INSERT INTO "ninebits_request" VALUES(3,'0109df0554f74291240ae75a1106d962','ninebits','refused',NULL,'answer','2026-11-24 23:15:56.753133','2026-11-24 23:15:56.778442',NULL,NULL);
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
INSERT INTO "ninebits_send" VALUES('a05770a2d41e59dd0fff5fb9f8a50bbd','06ffaca77b9e061c99f5e3ff25851ba2a587068b9f16d30b1d1c5e612321fb2a','default',NULL,NULL,NULL,NULL,'2026-08-26 23:15:55.948621',NULL,NULL,'purged');
INSERT INTO "ninebits_send" VALUES('1051c4a5bac9b30e3630d2ff5c811054','d31e014808ecdd2af298adba9ed7b5023c9d07c4120d169acce58ba32e8e0c01','default','a dag_id','a run_id','a task_id',7,'2026-11-24 23:15:56.553923','a planner','2026-11-24 23:15:55.960171',NULL);
INSERT INTO "ninebits_send" VALUES('c070d7680bd12e560f95402bee5339ba',NULL,'default',NULL,NULL,NULL,NULL,'2026-11-24 23:15:56.637012',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('212923ab62990dd3d1ac3d4b0ae49557','83c874d33e8bff73caaa762c79cd1ed101d727c7f20fe4972c67e67978292f23','default',NULL,NULL,NULL,NULL,'2026-11-24 23:15:56.717755',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('6609eda9caa582cb9ab5d317fe68a688','9b0f1b10aff55228716a1fbbc59bda8fe735ed14ccd5e2c5226a9ab72a48d47e','default',NULL,NULL,NULL,NULL,'2026-11-24 23:15:56.791067',NULL,NULL,NULL);
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
INSERT INTO "ninebits_task" VALUES('aedc37a86d9f8ebff2b724623884a4b8ab869f1c6094feb7f884753a0913bf51',0,'ti',1,2,0,'2026-11-24 23:15:57.025705');
CREATE TABLE ninebits_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT ninebits_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "ninebits_version" VALUES('0001');
CREATE INDEX ix_ninebits_receiver_heartbeat_at ON ninebits_receiver (heartbeat_at);
CREATE INDEX ix_ninebits_send_purge_state_created_at ON ninebits_send (purge_state, created_at);
CREATE INDEX ix_ninebits_send_run_id ON ninebits_send (run_id);
CREATE INDEX ix_ninebits_receipt_message_id ON ninebits_receipt (message_id);
CREATE INDEX ix_ninebits_receipt_ref_id ON ninebits_receipt (ref_id);
CREATE INDEX ix_ninebits_receipt_send_id ON ninebits_receipt (send_id);
CREATE INDEX ix_ninebits_task_seen_at ON ninebits_task (seen_at);
CREATE INDEX ix_ninebits_message_created_at ON ninebits_message (created_at);
CREATE INDEX ix_ninebits_message_open ON ninebits_message (state) WHERE state in ('sending', 'uncertain');
CREATE INDEX ix_ninebits_recipient_message_id_number ON ninebits_recipient (message_id, number);
CREATE INDEX ix_ninebits_recipient_number ON ninebits_recipient (number);
CREATE INDEX ix_ninebits_request_message_id ON ninebits_request (message_id);
CREATE INDEX ix_ninebits_request_nameless ON ninebits_request (conn_id) WHERE ref_id is null and state <> 'refused';
CREATE INDEX ix_ninebits_request_ref_id ON ninebits_request (ref_id);
CREATE INDEX ix_ninebits_request_started_at ON ninebits_request (started_at);
CREATE INDEX ix_ninebits_callback_received_at ON ninebits_callback (received_at);
CREATE INDEX ix_ninebits_callback_recipient_id ON ninebits_callback (recipient_id);
CREATE INDEX ix_ninebits_callback_request_id ON ninebits_callback (request_id);
CREATE INDEX ix_ninebits_callback_waiting_number ON ninebits_callback (number) WHERE match_state = 'unmatched';
CREATE INDEX ix_ninebits_callback_waiting_answer ON ninebits_callback (received_at) WHERE match_state = 'unmatched' and kind = 'answer';
CREATE INDEX ix_ninebits_callback_waiting_ref_id ON ninebits_callback (ref_id) WHERE match_state = 'unmatched';
COMMIT;
