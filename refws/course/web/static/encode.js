/* RFC 6455 section 5.2: the fields of a frame -> its bytes, legal or not. */

const LONG = { 16: 126, 64: 127 };

/* `fields` has fin, rsv1 to rsv3 and masked as booleans; opcode; form "shortest", "7", "16" or "64"
   of the length; announced, or null for the length of the payload; key, four numbers; payload, an
   Uint8Array. The result is a list of [field, bytes]. */
export function encodeFrame(fields) {
  const { payload, key, masked } = fields;
  const length = fields.announced ?? BigInt(payload.length);
  const form = fields.form === "shortest" ? shortest(length) : Number(fields.form);
  const first = [fields.fin, fields.rsv1, fields.rsv2, fields.rsv3].reduce(
    (byte, bit, place) => byte | (bit ? 0x80 >> place : 0),
    fields.opcode,
  );
  const short = LONG[form] ?? Number(length & 0x7fn);
  const parts = [
    ["opcode", [first]],
    ["length", [(masked ? 0x80 : 0) | short, ...bigEndian(length, form === 7 ? 0 : form / 8)]],
  ];
  if (masked) parts.push(["key", key]);
  const wire = masked ? payload.map((byte, place) => byte ^ key[place % 4]) : payload;
  return [...parts, ["payload", [...wire]]];
}

const shortest = (length) => (length < 126n ? 7 : length < 65536n ? 16 : 64);

function bigEndian(number, size) {
  return Array.from({ length: size }, (_, place) =>
    Number((number >> BigInt(8 * (size - 1 - place))) & 0xffn),
  );
}
