// A TLS 1.3 server of Node judges the client certificate of a folder in a real handshake on loopback.
import fs from "node:fs";
import path from "node:path";
import tls from "node:tls";

const folder = process.argv[2];
const read = (name) => fs.readFileSync(path.join(folder, name));
const server = tls.createServer({
  key: read("leaf.key"), cert: Buffer.concat([read("leaf.pem"), read("issuing.pem")]),
  ca: [read("root.pem")], crl: [read("root.crl.pem"), read("issuing.crl.pem")],
  requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3",
});
const done = (word, code) => { console.log(word); process.exit(code); };
server.on("secureConnection", (socket) =>
  socket.authorized ? done("accepted", 0) : done(`refused: ${socket.authorizationError}`, 3));
server.on("tlsClientError", (problem) => done(`refused: ${problem.message}`, 3));
server.listen(0, "127.0.0.1", () => {
  const client = tls.connect({
    port: server.address().port, host: "127.0.0.1", rejectUnauthorized: false,
    key: read("leaf.key"), cert: Buffer.concat([read("leaf.pem"), read("issuing.pem")]),
  });
  client.on("error", (problem) => done(`refused: ${problem.message}`, 3));
});
