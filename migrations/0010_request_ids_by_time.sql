-- Request ids before runs: ids that sort by time, as our clients make them, then all go to the end of the index, to a
-- page that is at hand, where each went to a page of its run before. Whoever looks for one names the run too.
DROP INDEX signalbox.messages_request;
CREATE UNIQUE INDEX messages_request ON signalbox.messages (request_id, run_no) WHERE request_id IS NOT NULL;
