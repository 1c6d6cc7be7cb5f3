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
	CONSTRAINT uq_ninebits_callback_identity UNIQUE (identity)
);
INSERT INTO "ninebits_callback" VALUES(1,'2026-11-25 13:52:50.455355','a receiver_id','a conn_path','call',X'7B7D','ada',0,'r1','2348020000001',0,'2026-11-25 13:52:49.536377','2026-11-25 13:52:50.455224','2026-11-25 13:52:49.536377',7,7,30000000000,NULL,NULL,'matched',0,1,1);
INSERT INTO "ninebits_callback" VALUES(2,'2026-11-25 13:52:50.455355',NULL,NULL,'call',X'7B7D','ben',0,'r1','2348020000002',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'matched',0,2,1);
INSERT INTO "ninebits_callback" VALUES(3,'2026-11-25 13:52:50.524596',NULL,NULL,'call',X'7B7D',NULL,0,NULL,'2349000000000',0,NULL,'2026-11-25 13:52:50.524499',NULL,NULL,NULL,NULL,NULL,NULL,'unmatched',0,NULL,NULL);
INSERT INTO "ninebits_callback" VALUES(4,'2026-11-25 13:52:50.524596',NULL,NULL,'call',X'7B7D',NULL,0,NULL,'2348020000003',1,NULL,'2026-11-25 13:52:50.524507',NULL,NULL,NULL,NULL,NULL,NULL,'inbound',0,NULL,NULL);
INSERT INTO "ninebits_callback" VALUES(5,'2026-11-25 13:52:50.524596',NULL,NULL,'answer',X'7B7D',NULL,0,'r1',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,200,'not possible','matched',0,NULL,1);
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
	zones TEXT, 
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
INSERT INTO "ninebits_message" VALUES('bebf1ce9ac215a59d5a591064e472012','61f752d11d18ec7fd2728aa09d0a1c2a',0,'ninebits','https://media.test/a.mp3',NULL,'accepted','a test','2026-11-25 13:53:50.437348',2,NULL,1,1,0,'2026-11-25 13:52:50.455355',3,'2026-11-25 13:52:50.426365');
INSERT INTO "ninebits_message" VALUES('bd76555f3c05bff2c44ae1e2b083afa1','5ef2c8770bec44d708d815dd85986860',0,'ninebits','https://media.test/a.mp3',NULL,'uncertain','a test',NULL,1,NULL,0,0,0,NULL,2,'2026-11-25 13:52:50.464248');
INSERT INTO "ninebits_message" VALUES('2b58cf813915e47a99cf0b71b93d5962','902635a934c753be92d44a54c4ac4556',0,'ninebits','https://media.test/a.mp3',NULL,'refused','a test',NULL,1,NULL,0,0,0,NULL,2,'2026-11-25 13:52:50.485498');
INSERT INTO "ninebits_message" VALUES('24e7d9600a16aaf740d870600a5d10b7','0bf78a6f45d85332437c61fb25e90493',0,'ninebits','https://media.test/a.mp3','a from_number','planned',NULL,NULL,1,'a zones',0,0,0,NULL,0,'2026-11-25 13:52:50.513294');
CREATE TABLE ninebits_purge (
	id INTEGER NOT NULL, 
	purged_until DATETIME NOT NULL, 
	begun_at DATETIME NOT NULL, 
	CONSTRAINT pk_ninebits_purge PRIMARY KEY (id)
);
INSERT INTO "ninebits_purge" VALUES(1,'2026-08-27 13:52:50.356718','2026-11-25 13:52:50.356718');
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
INSERT INTO "ninebits_receipt" VALUES(1,'d186624411b893dba04bc92c7df37254','508111e18ee7e3403c9f004a1e699745',0,'accepted',1,'purged');
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
INSERT INTO "ninebits_receiver" VALUES('1dbcd0d5a34a4435b302b0ab5a532aad','a-host','2026-11-25 13:52:50.536377','2026-11-25 13:52:50.536377','2026-11-25 13:52:50.543271',0,1,'2026-11-25 13:52:50.543271',1,'2026-11-25 13:52:50.543271',1,'2026-11-25 13:52:50.543271');
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
INSERT INTO "ninebits_recipient" VALUES(1,'61f752d11d18ec7fd2728aa09d0a1c2a','bebf1ce9ac215a59d5a591064e472012','2348020000001','answered',1,'2026-11-25 13:52:49.536377','2026-11-25 13:52:50.455224','2026-11-25 13:52:49.536377',7,7,30000000000,'2026-11-25 13:52:50.455355');
INSERT INTO "ninebits_recipient" VALUES(2,'61f752d11d18ec7fd2728aa09d0a1c2a','bebf1ce9ac215a59d5a591064e472012','2348020000002','unanswered',1,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-25 13:52:50.455355');
INSERT INTO "ninebits_recipient" VALUES(3,'5ef2c8770bec44d708d815dd85986860','bd76555f3c05bff2c44ae1e2b083afa1','2348020000003','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ninebits_recipient" VALUES(4,'902635a934c753be92d44a54c4ac4556','2b58cf813915e47a99cf0b71b93d5962','2348020000001','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ninebits_recipient" VALUES(5,'0bf78a6f45d85332437c61fb25e90493','24e7d9600a16aaf740d870600a5d10b7','2348020000002','pending',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "ninebits_request" VALUES(1,'bebf1ce9ac215a59d5a591064e472012','ninebits','accepted','r1','answer','2026-11-25 13:52:50.437348','2026-11-25 13:52:50.447564',7,'a detail');
INSERT INTO "ninebits_request" VALUES(2,'bd76555f3c05bff2c44ae1e2b083afa1','ninebits','uncertain',NULL,NULL,'2026-11-25 13:52:50.470157','2026-11-25 13:52:50.475829',NULL,NULL);
INSERT INTO "ninebits_request" VALUES(3,'2b58cf813915e47a99cf0b71b93d5962','ninebits','refused',NULL,'answer','2026-11-25 13:52:50.497013','2026-11-25 13:52:50.499769',NULL,NULL);
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
INSERT INTO "ninebits_send" VALUES('d186624411b893dba04bc92c7df37254','06ffaca77b9e061c99f5e3ff25851ba2a587068b9f16d30b1d1c5e612321fb2a','default',NULL,NULL,NULL,NULL,'2026-08-27 13:52:50.276205',NULL,NULL,'purged');
INSERT INTO "ninebits_send" VALUES('61f752d11d18ec7fd2728aa09d0a1c2a','d31e014808ecdd2af298adba9ed7b5023c9d07c4120d169acce58ba32e8e0c01','default',NULL,NULL,NULL,NULL,'2026-11-25 13:52:50.425332',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('5ef2c8770bec44d708d815dd85986860',NULL,'default',NULL,NULL,NULL,NULL,'2026-11-25 13:52:50.463161',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('902635a934c753be92d44a54c4ac4556','83c874d33e8bff73caaa762c79cd1ed101d727c7f20fe4972c67e67978292f23','default',NULL,NULL,NULL,NULL,'2026-11-25 13:52:50.484482',NULL,NULL,NULL);
INSERT INTO "ninebits_send" VALUES('0bf78a6f45d85332437c61fb25e90493','9b0f1b10aff55228716a1fbbc59bda8fe735ed14ccd5e2c5226a9ab72a48d47e','default','a dag_id','a run_id','a task_id',7,'2026-11-25 13:52:50.512325','a planner','2026-11-25 13:52:49.536377',NULL);
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
INSERT INTO "ninebits_task" VALUES('aedc37a86d9f8ebff2b724623884a4b8ab869f1c6094feb7f884753a0913bf51',0,'ti',1,2,0,'2026-11-25 13:52:50.550216');
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
