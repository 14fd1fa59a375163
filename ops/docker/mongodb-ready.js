// @ts-nocheck: it runs in mongosh, whose globals have no types here.
// The health check of MongoDB's container, for mongosh: makes the replica set at the first time. Exit code 0 once it takes writes.
/* global rs, db, quit */
try {
  rs.status();
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error;
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'mongodb:27017' }] });
}
quit(db.hello().isWritablePrimary ? 0 : 1);
