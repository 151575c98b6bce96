// Each line of standard input, a payload in base64, becomes a line of JSON on standard output.
const payloads = require("sparkplug-payload").get("spBv1.0");
const lines = require("fs").readFileSync(0, "utf8").split("\n");
const plain = (_, value) => (value && value.toNumber && "low" in value ? value.toNumber() : value);

// A Long has a toJSON of no use here, and JSON.stringify would call it before it asks ``plain``.
delete Object.getPrototypeOf(require("long").ZERO).toJSON;
for (const line of lines) {
  console.log(JSON.stringify(payloads.decodePayload(Buffer.from(line, "base64")), plain));
}
