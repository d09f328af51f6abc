using Swarm.Kernels.Codecs;
using Swarm.Protocol.Links;

namespace Swarm.Client;

/// <summary>What a session is fed and, when its first hop is lost, can be fed again: hidden states, or with swarm ends token ids. Keeps copies where the caller gives no source.</summary>
internal sealed class SessionFeed
{
    private readonly int _hidden;
    private readonly ActivationCodec _codec;
    private readonly IHiddenSource? _rows;
    private readonly ITokenSource? _ids;
    private readonly KeptHidden? _keptRows;
    private readonly TokenSource? _keptIds;

    public SessionFeed(ChainSessionOptions options, int hidden, ActivationCodec codec)
    {
        _hidden = hidden;
        _codec = codec;
        if (options.Ends == EndsMode.Swarm)
            _ids = options.TokenSource ?? (_keptIds = new TokenSource(null));
        else
            _rows = options.Source ?? (_keptRows = new KeptHidden(hidden));
    }

    /// <summary>Rows [count, hidden], encoded as the first hop expects them.</summary>
    public StepInput Encode(ReadOnlySpan<float> rows, int count) => new(HiddenPacket.Encode(rows, count, _hidden, _codec));

    /// <summary>Takes note of what a step brings; what was there from its position on is overwritten.</summary>
    public void Keep(int position, int count, ReadOnlySpan<float> rows, ReadOnlySpan<int> ids)
    {
        _keptRows?.Write(position, count, rows);
        _keptIds?.Truncate(position);
        _keptIds?.Append(ids);
    }

    /// <summary>The input of positions that were fed before: the same bytes as then.</summary>
    public StepInput Again(int position, int count)
    {
        if (_ids is not null)
        {
            Span<int> ids = stackalloc int[count];
            _ids.Read(position, ids);
            return new StepInput(ids);
        }

        using var rows = new HiddenBuffer(count * _hidden);
        _rows!.Read(position, count, rows.Values);
        return Encode(rows.Values, count);
    }
}
