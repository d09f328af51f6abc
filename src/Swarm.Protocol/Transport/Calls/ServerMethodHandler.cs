namespace Swarm.Protocol.Transport;

/// <summary>Runs the handler of a method on a call.</summary>
internal delegate Task ServerMethodHandler(ServerCall call);
