// `node ops/docker/healthcheck.mjs <port>`: exit code 0 when the process on this port is ready.
const response = await fetch(`http://127.0.0.1:${process.argv[2]}/health/ready`).catch(() => undefined);
process.exit(response?.ok ? 0 : 1);
