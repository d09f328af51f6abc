'use strict';
// Calls a server of ours with stock gRPC. Prints one line a check: "ok NAME" or "failed NAME: why".
// node client.js HOST:PORT [FOLDER]: in clear text, or over TLS as the member of FOLDER (server.pem, member.pem, member.key).
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { grpc, loader, options, interop, health, reflection } = require('./contract');

const address = process.argv[2];
const folder = process.argv[3];
const read = (name) => fs.readFileSync(path.join(folder, name));
// Certificates of peers name nobody: the key is what counts, and it is pinned by being the only root.
const credentials = folder
  ? grpc.credentials.createSsl(read('server.pem'), read('member.key'), read('member.pem'), { checkServerIdentity: () => undefined })
  : grpc.credentials.createInsecure();
const client = new interop.Interop(address, credentials);

function metadata(entries) {
  const result = new grpc.Metadata();
  for (const [key, value] of Object.entries(entries)) result.add(key, value);
  return result;
}

// Resolves with everything that the call brought, also when it failed.
function unary(message, { headers = new grpc.Metadata(), callOptions = {}, start = () => {}, method = 'Unary' } = {}) {
  return new Promise((resolve) => {
    const seen = {};
    const call = client[method]({ text: message }, headers, callOptions, (error, answer) => {
      seen.error = error;
      seen.answer = answer;
      if (seen.status) resolve(seen);
    });
    call.on('metadata', (value) => { seen.headers = value; });
    call.on('status', (value) => {
      seen.status = value;
      if (seen.error || seen.answer) resolve(seen);
    });
    start(call);
  });
}

function collect(call) {
  return new Promise((resolve) => {
    const seen = { messages: [] };
    call.on('data', (message) => seen.messages.push(message));
    call.on('error', (error) => { seen.error = error; });
    call.on('status', (status) => { seen.status = status; resolve(seen); });
  });
}

const checks = {
  async unary() {
    const { answer, status } = await unary('h\u00e9llo');
    assert.strictEqual(answer.text, 'h\u00e9llo');
    assert.strictEqual(status.code, 0);
  },
  async metadata() {
    const bytes = Buffer.from([0, 1, 2, 254, 255]);
    const { headers, status } = await unary('m', { headers: metadata({ 'x-text': 'a b, c', 'x-bytes-bin': bytes }) });
    assert.deepStrictEqual(headers.get('x-first'), ['a b, c']);
    assert.deepStrictEqual(status.metadata.get('x-last-bin'), [bytes]);
  },
  async serverStreaming() {
    const { messages, status } = await collect(client.ServerStream({ text: '500' }));
    assert.deepStrictEqual(messages.map((message) => message.text), Array.from({ length: 500 }, (_, i) => String(i)));
    assert.strictEqual(status.code, 0);
  },
  async serverStreamingFails() {
    const { messages, error } = await collect(client.ServerStream({ text: 'fail-after:3' }));
    assert.strictEqual(messages.length, 3);
    assert.strictEqual(error.code, grpc.status.DATA_LOSS);
    assert.strictEqual(error.details, 'after 3');
  },
  async clientStreaming() {
    const answer = await new Promise((resolve, reject) => {
      const call = client.ClientStream((error, value) => (error ? reject(error) : resolve(value)));
      for (let i = 0; i < 100; i++) call.write({ text: String(i) });
      call.end();
    });
    assert.strictEqual(answer.text, Array.from({ length: 100 }, (_, i) => String(i)).join(','));
  },
  async duplexStreaming() {
    const call = client.Duplex();
    const seen = [];
    const ended = new Promise((resolve, reject) => {
      call.on('error', reject);
      call.on('status', resolve);
      call.on('data', (message) => {
        seen.push(message.text);
        if (seen.length < 50) call.write({ text: 'q' + seen.length });
        else call.end();
      });
    });
    call.write({ text: 'q0' });
    assert.strictEqual((await ended).code, 0);
    assert.deepStrictEqual(seen, Array.from({ length: 50 }, (_, i) => 'Q' + i));
  },
  async errorWithTrailers() {
    const { error } = await unary('fail:9:100 % of 3 bl\u00f6cke\n\u2713');
    assert.strictEqual(error.code, 9);
    assert.strictEqual(error.details, '100 % of 3 bl\u00f6cke\n\u2713');
    assert.deepStrictEqual(error.metadata.get('x-why'), ['because']);
  },
  async errorWithDetails() {
    const { error } = await unary('details');
    assert.strictEqual(error.code, 9);
    const [bytes] = error.metadata.get('grpc-status-details-bin');
    assert.ok(bytes.includes('type.googleapis.com/swarm.interop.Text'));
    assert.ok(bytes.includes('particulars'));
  },
  async unknownMethod() {
    const other = grpc.makeClientConstructor({ Missing: { ...interop.Interop.service.Unary, path: '/swarm.interop.Interop/Missing' } }, 'x');
    const error = await new Promise((resolve) => new other(address, credentials).Missing({ text: '' }, (value) => resolve(value)));
    assert.strictEqual(error.code, grpc.status.UNIMPLEMENTED);
  },
  async deadline() {
    const { error } = await unary('wait', { callOptions: { deadline: new Date(Date.now() + 200) } });
    assert.strictEqual(error.code, grpc.status.DEADLINE_EXCEEDED);
    assert.strictEqual((await unary('', { method: 'LastWait' })).answer.text, 'cancelled');
  },
  async cancellation() {
    // Cancelled once the server's headers tell that its handler runs.
    const { error } = await unary('wait', { start: (call) => call.on('metadata', () => call.cancel()) });
    assert.strictEqual(error.code, grpc.status.CANCELLED);
    assert.strictEqual((await unary('', { method: 'LastWait' })).answer.text, 'cancelled');
  },
  async messageOfThreeMebibytes() {
    const big = 'y'.repeat(3 << 20);
    assert.strictEqual((await unary(big)).answer.text, big);
  },
  async requestOverTheLimit() {
    assert.strictEqual((await unary('y'.repeat(5 << 20))).error.code, grpc.status.RESOURCE_EXHAUSTED);
    assert.strictEqual((await unary('still here')).answer.text, 'still here');
  },
  async answerOverTheLimit() {
    assert.strictEqual((await unary('size:' + (5 << 20))).error.code, grpc.status.RESOURCE_EXHAUSTED);
    assert.strictEqual((await unary('still here')).answer.text, 'still here');
  },
  async compressedRequest() {
    const gzip = new interop.Interop(address, credentials, { 'grpc.default_compression_algorithm': 2 });
    const error = await new Promise((resolve) => gzip.Unary({ text: 'z'.repeat(1000) }, (value) => resolve(value)));
    assert.strictEqual(error.code, grpc.status.UNIMPLEMENTED);
  },
  async health() {
    const service = new health.Health(address, credentials);
    const check = (name) => new Promise((resolve) => service.Check({ service: name }, (error, answer) => resolve(error ? error.code : answer.status)));
    assert.strictEqual(await check(''), 'SERVING');
    assert.strictEqual(await check('no.such.Service'), grpc.status.NOT_FOUND);
    const watch = service.Watch({ service: '' });
    watch.on('error', () => {});
    assert.strictEqual((await new Promise((resolve) => watch.once('data', resolve))).status, 'SERVING');
    watch.cancel();
  },
  // Learns the service from the server alone and calls it by what it learned.
  async reflection() {
    for (const version of ['v1', 'v1alpha']) {
      const definition = { ...reflection.ServerReflection.service.ServerReflectionInfo, path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo` };
      const constructor = grpc.makeClientConstructor({ ServerReflectionInfo: definition }, 'ServerReflection');
      const call = new constructor(address, credentials).ServerReflectionInfo();
      const answer = collect(call);
      call.write({ list_services: '*' });
      call.write({ file_containing_symbol: 'swarm.interop.Interop' });
      call.write({ file_by_filename: 'no/such/file.proto' });
      call.end();
      const [list, file, missing] = (await answer).messages;
      const names = list.list_services_response.service.map((service) => service.name);
      assert.ok(names.includes('swarm.interop.Interop') && names.includes('grpc.health.v1.Health') && names.includes('grpc.reflection.v1.ServerReflection'), names.join());
      assert.strictEqual(missing.error_response.error_code, grpc.status.NOT_FOUND);
      const set = file.file_descriptor_response.file_descriptor_proto.map((bytes) => {
        const length = [];
        for (let rest = bytes.length; ; rest >>>= 7) {
          length.push(rest > 127 ? (rest & 127) | 128 : rest);
          if (rest <= 127) break;
        }
        return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
      });
      const learned = grpc.loadPackageDefinition(loader.loadFileDescriptorSetFromBuffer(Buffer.concat(set), options));
      const text = await new Promise((resolve, reject) => new learned.swarm.interop.Interop(address, credentials).Unary({ text: version }, (error, value) => (error ? reject(error) : resolve(value.text))));
      assert.strictEqual(text, version);
    }
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log('ok ' + name);
    } catch (error) {
      console.log(`failed ${name}: ${String(error.stack || error).replace(/\n/g, ' | ')}`);
    }
  }
  process.exit(0);
})();
