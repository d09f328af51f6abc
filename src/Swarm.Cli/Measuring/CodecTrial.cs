using Swarm.Kernels.Codecs;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Cli.Measuring;

/// <summary>Takes hidden states through a codec's packets as a link would, and adds up what that costs and what it changes.</summary>
internal sealed class CodecTrial(ActivationCodec codec, TimeProvider time)
{
    // Bytes that gRPC puts before a message.
    private const int GrpcPrefix = 5;

    private readonly List<double> _encode = [];
    private readonly List<double> _decode = [];
    private readonly Dictionary<int, long> _integers = [];
    private int[] _token = [];
    private long _bytes;
    private long _bytesAlone;
    private long _values;
    private double _loss;
    private double _divergence;
    private long _same;
    private long _positions;
    private long _predicted;

    /// <summary>Encodes and decodes states [tokens, hidden] in place, in packets of so many tokens.</summary>
    public void Pass(Span<float> states, int hidden, int packetTokens)
    {
        for (int tokens = states.Length / hidden; tokens > 0; tokens -= packetTokens)
        {
            int count = Math.Min(tokens, packetTokens);
            Span<float> part = states[..(count * hidden)];
            CountAlone(part, hidden);
            long start = time.GetTimestamp();
            using HiddenPacket packet = HiddenPacket.Encode(part, count, hidden, codec);
            long encoded = time.GetTimestamp();
            if (!packet.TryDecode(part, out string? error))
                throw new InvalidOperationException($"{codec.Name} refuses what it wrote: {error}");
            _decode.Add(time.GetElapsedTime(encoded).TotalSeconds / part.Length);
            _encode.Add(time.GetElapsedTime(start, encoded).TotalSeconds / part.Length);
            _bytes += WireBytes(packet);
            _values += part.Length;
            states = states[part.Length..];
        }
    }

    /// <summary>Adds a position's prediction.</summary>
    /// <param name="exact">Logits of the exact states, in nats below their normalizer: log-probabilities.</param>
    /// <param name="rounded">The same of the rounded ones.</param>
    /// <param name="next">The token that follows; null at the end of a text.</param>
    public void Compare(ReadOnlySpan<double> exact, ReadOnlySpan<double> rounded, int? next)
    {
        double divergence = 0;
        int exactBest = 0;
        int roundedBest = 0;
        for (int index = 0; index < exact.Length; index++)
        {
            divergence += Math.Exp(exact[index]) * (exact[index] - rounded[index]);
            exactBest = exact[index] > exact[exactBest] ? index : exactBest;
            roundedBest = rounded[index] > rounded[roundedBest] ? index : roundedBest;
        }

        _divergence += divergence;
        _same += exactBest == roundedBest ? 1 : 0;
        _positions++;
        if (next is not { } id)
            return;
        _loss -= rounded[id];
        _predicted++;
    }

    /// <summary>All of it.</summary>
    /// <param name="exactLoss">Mean loss of the exact states, in nats.</param>
    public CodecFigures Figures(double exactLoss) => new()
    {
        Name = codec.Name,
        BytesPerValue = (double)_bytes / _values,
        BytesPerValueAlone = (double)_bytesAlone / _values,
        EntropyBytesPerValue = Entropy(),
        Perplexity = Math.Exp(_loss / _predicted),
        PerplexityChange = Math.Exp((_loss / _predicted) - exactLoss) - 1,
        KlNats = _divergence / _positions,
        SameChoice = (double)_same / _positions,
        EncodeSecondsPerValue = Medians.Of(_encode),
        DecodeSecondsPerValue = Medians.Of(_decode),
    };

    // Of a step as a hop sends it on.
    private static long WireBytes(HiddenPacket packet)
    {
        var step = new Step
        {
            Number = 100, Position = 1000, Count = (uint)packet.Tokens, Outputs = Outputs.Last, Codec = packet.Codec.Id, EncodedBytes = (ulong)packet.EncodedBytes,
        };
        long bytes = 0;
        LinkMessages.Split(
            new LinkFrame { Step = step }.Address(new SessionId(ulong.MaxValue, ulong.MaxValue), 0), packet.Share(),
            message =>
            {
                bytes += LinkMarshaller.Size(message) + GrpcPrefix;
                message.Release();
            });
        return bytes;
    }

    private void CountAlone(ReadOnlySpan<float> states, int hidden)
    {
        if (_token.Length != hidden)
            _token = new int[hidden];
        for (int at = 0; at < states.Length; at += hidden)
        {
            ReadOnlySpan<float> token = states.Slice(at, hidden);
            using HiddenPacket alone = HiddenPacket.Encode(token, 1, hidden, codec);
            _bytesAlone += WireBytes(alone);
            if (!codec.TryQuantize(token, _token))
                continue;
            foreach (int integer in _token)
                System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_integers, integer, out _)++;
        }
    }

    private double Entropy()
    {
        double total = _integers.Values.Sum();
        return total == 0 ? double.NaN : _integers.Values.Sum(count => -count / total * Math.Log2(count / total)) / 8;
    }
}
