CREATE TABLE IF NOT EXISTS notes(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '', made_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL DEFAULT '', is_done INTEGER NOT NULL DEFAULT 0, made_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
INSERT OR IGNORE INTO notes VALUES('welcome', 'Welcome', 'Open this page in a second window, and type in one of them.' || char(10) || 'Or write with sqlite3: the page follows.', 1);
INSERT OR IGNORE INTO tasks VALUES('try', 'Tick me in one window, look at the other', 0, 1);
