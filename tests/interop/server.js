'use strict';
// Serves interop.proto with stock gRPC; prints its port, ends when its input closes.
const { grpc, interop } = require('./contract');

let release;
let waited = new Promise((resolve) => { release = resolve; });

// google.rpc.Status { code 9, message "with details", details [Any { swarm.interop.Text { text "particulars" } }] }, by hand: field, wire type, length.
function field(number, bytes) {
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

function details() {
  const any = Buffer.concat([field(1, Buffer.from('type.googleapis.com/swarm.interop.Text')), field(2, field(1, Buffer.from('particulars')))]);
  return Buffer.concat([Buffer.from([0x08, 9]), field(2, Buffer.from('with details')), field(3, any)]);
}

function unary(call, callback) {
  const text = call.request.text;
  const headers = new grpc.Metadata();
  for (const value of call.metadata.get('x-text')) headers.add('x-first', value);
  call.sendMetadata(headers);
  const trailers = new grpc.Metadata();
  for (const value of call.metadata.get('x-bytes-bin')) trailers.add('x-last-bin', value);
  if (text.startsWith('fail:')) {
    const [, code, ...rest] = text.split(':');
    trailers.set('x-why', 'because');
    callback({ code: Number(code), details: rest.join(':'), metadata: trailers });
  } else if (text === 'details') {
    trailers.set('grpc-status-details-bin', details());
    callback({ code: 9, details: 'with details', metadata: trailers });
  } else if (text === 'wait') {
    call.on('cancelled', () => release('cancelled'));
  } else if (text.startsWith('size:')) {
    callback(null, { text: 'x'.repeat(Number(text.slice(5))) }, trailers);
  } else {
    callback(null, { text }, trailers);
  }
}

function serverStream(call) {
  const text = call.request.text;
  const fails = text.startsWith('fail-after:');
  const count = Number(fails ? text.slice(11) : text);
  for (let i = 0; i < count; i++) call.write({ text: String(i) });
  if (fails) call.emit('error', { code: grpc.status.DATA_LOSS, details: 'after ' + count });
  else call.end();
}

function clientStream(call, callback) {
  const texts = [];
  call.on('data', (message) => texts.push(message.text));
  call.on('end', () => callback(null, { text: texts.join(',') }));
}

function duplex(call) {
  call.on('data', (message) => call.write({ text: message.text.toUpperCase() }));
  call.on('end', () => call.end());
}

async function lastWait(call, callback) {
  const text = await waited;
  waited = new Promise((resolve) => { release = resolve; });
  callback(null, { text });
}

const server = new grpc.Server();
server.addService(interop.Interop.service, { Unary: unary, ServerStream: serverStream, ClientStream: clientStream, Duplex: duplex, LastWait: lastWait });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(String(port));
});
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
