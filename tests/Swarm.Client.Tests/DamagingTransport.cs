using System.Buffers;
using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;

namespace Swarm.Client.Tests;

/// <summary>Turns a bit in the last byte of frames that a test chooses, as they come in.</summary>
internal sealed class DamagingTransport(ITransport inner) : ITransport
{
    /// <summary>Asked at each frame that carries a part of a packet.</summary>
    public Func<PeerEndpoint, LinkMessage, bool> Damages { get; set; } = (_, _) => false;

    public ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken) =>
        inner.ListenAsync(address, services, cancellationToken);

    public CallInvoker Connect(PeerEndpoint endpoint, ConnectionClass purpose) => new Invoker(this, endpoint, inner.Connect(endpoint, purpose));

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private LinkMessage Read(PeerEndpoint endpoint, DeserializationContext context, Func<DeserializationContext, LinkMessage> read)
    {
        LinkMessage sound = read(context);
        if (sound.Part is null || !Damages(endpoint, sound))
            return sound;
        sound.Release();
        return read(new Damaged(context.PayloadAsReadOnlySequence().ToArray()));
    }

    private sealed class Invoker(DamagingTransport owner, PeerEndpoint endpoint, CallInvoker inner) : PassingInvoker(inner)
    {
        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options)
        {
            if (method.ResponseMarshaller is Marshaller<LinkMessage> sound)
            {
                var damaging = new Marshaller<LinkMessage>(sound.ContextualSerializer, context => owner.Read(endpoint, context, sound.ContextualDeserializer));
                method = new Method<TRequest, TResponse>(method.Type, method.ServiceName, method.Name, method.RequestMarshaller, (Marshaller<TResponse>)(object)damaging);
            }

            return base.AsyncDuplexStreamingCall(method, host, options);
        }
    }

    private sealed class Damaged : DeserializationContext
    {
        private readonly byte[] _bytes;

        public Damaged(byte[] bytes)
        {
            _bytes = bytes;
            _bytes[^1] ^= 1;
        }

        public override int PayloadLength => _bytes.Length;

        public override byte[] PayloadAsNewBuffer() => [.. _bytes];

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(_bytes);
    }
}
