'use strict';
// What both sides load: the protos of the repository and stock gRPC.
const path = require('path');
const { createRequire } = require('module');

const root = path.resolve(__dirname, '..', '..');
const load = createRequire(path.join(root, 'artifacts', 'interop', 'package.json'));
const grpc = load('@grpc/grpc-js');
const loader = load('@grpc/proto-loader');

const options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };

function protos(file, folder) {
  return grpc.loadPackageDefinition(loader.loadSync(file, { ...options, includeDirs: [folder] }));
}

const interop = protos('interop.proto', __dirname).swarm.interop;
const folder = path.join(root, 'protos');
const health = protos('grpc/health/v1/health.proto', folder).grpc.health.v1;
const reflection = protos('grpc/reflection/v1/reflection.proto', folder).grpc.reflection.v1;

module.exports = { grpc, loader, options, interop, health, reflection };
