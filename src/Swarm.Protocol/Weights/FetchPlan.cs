namespace Swarm.Protocol.Weights;

/// <summary>
/// What is still to come and who may be asked for it: plain state, without a transport. Large tensors come in pieces from several peers; where the whole is then not what its hash says,
/// nobody can tell whose bytes were wrong, and it is asked of one peer alone, whose fault it is if it is wrong again. Not thread-safe.
/// </summary>
internal sealed class FetchPlan
{
    private readonly IReadOnlyList<BlobWanted> _wanted;
    private readonly Blob[] _blobs;
    private readonly HashSet<PeerId> _liars = [];
    private int _open;

    /// <param name="wanted">Different hashes.</param>
    /// <param name="here">Of each, which pieces are here already.</param>
    public FetchPlan(IReadOnlyList<BlobWanted> wanted, Func<int, bool[]> here)
    {
        _wanted = wanted;
        _blobs = [.. wanted.Select((blob, index) => new Blob(blob.Length, here(index)))];
        _open = wanted.Count;
    }

    /// <summary>All is here and sound.</summary>
    public bool IsDone => _open == 0;

    /// <summary>Those still to come.</summary>
    public IEnumerable<BlobWanted> Missing => _wanted.Where((_, index) => !_blobs[index].IsFinished);

    /// <summary>Whether nothing more is to be asked of a peer: it handed out wrong bytes.</summary>
    public bool IsLiar(PeerId peer) => _liars.Contains(peer);

    /// <summary>All pieces of a tensor are here, and nobody has looked whether it is sound.</summary>
    public bool IsWhole(int blob) => !_blobs[blob].IsFinished && _blobs[blob].Pieces.All(piece => piece.Left == 0);

    /// <summary>Whether there is something to ask of a peer now.</summary>
    public bool HasWork(PeerId peer) => !IsLiar(peer) && Enumerable.Range(0, _blobs.Length).Any(blob => MayAsk(peer, blob) && NextPiece(blob) >= 0);

    /// <summary>Whether a peer that is not asked now may have something that is missing.</summary>
    public bool MayHave(PeerId peer) => !IsLiar(peer) && _blobs.Any(blob => !blob.IsFinished && !blob.Lacking.Contains(peer));

    /// <summary>What to ask of a peer next, which nobody else is asked until it is given back; empty: nothing.</summary>
    /// <param name="peer">Whom.</param>
    /// <param name="likely">What it most likely has: that first.</param>
    public IReadOnlyList<FetchRange> Take(PeerId peer, Func<BlobWanted, bool> likely)
    {
        var taken = new List<FetchRange>();
        if (IsLiar(peer))
            return taken;
        long bytes = 0;
        foreach (bool first in (ReadOnlySpan<bool>)[true, false])
        {
            for (int blob = 0; blob < _blobs.Length; blob++)
            {
                if (!MayAsk(peer, blob) || likely(_wanted[blob]) != first)
                    continue;
                for (int index = NextPiece(blob); index >= 0; index = NextPiece(blob))
                {
                    Piece piece = _blobs[blob].Pieces[index];
                    if (taken.Count == WeightsLimits.MaxRanges || bytes + piece.Left > WeightsLimits.MaxRequestBytes)
                        return taken;
                    piece.IsAsked = true;
                    _blobs[blob].Owner = _blobs[blob].IsSole ? peer : null;
                    bytes += piece.Left;
                    taken.Add(new FetchRange(blob, index, piece.Offset + piece.Length - piece.Left, piece.Left, _blobs[blob].Attempt));
                }
            }

            // What others most likely have is left to them as long as there is something of its own.
            if (taken.Count > 0)
                return taken;
        }

        return taken;
    }

    /// <summary>Whether bytes of a range are still wanted: its tensor was not begun anew meanwhile.</summary>
    public bool IsWanted(FetchRange range) => _blobs[range.Blob].Attempt == range.Attempt;

    /// <summary>Bytes of a range that is wanted have come, in order.</summary>
    /// <returns>Whether its piece is there as a whole.</returns>
    public bool Received(PeerId peer, FetchRange range, int bytes)
    {
        _blobs[range.Blob].Sources.Add(peer);
        return (_blobs[range.Blob].Pieces[range.Piece].Left -= bytes) == 0;
    }

    /// <summary>Whether a peer that has answered neither gave a range nor said that it lacks it.</summary>
    public bool IsUnanswered(PeerId peer, FetchRange range) =>
        IsWanted(range) && !_blobs[range.Blob].Lacking.Contains(peer) && _blobs[range.Blob].Pieces[range.Piece].Left > 0;

    /// <summary>A peer has not what was asked of it.</summary>
    public void NotHeld(PeerId peer, FetchRange range) => _blobs[range.Blob].Lacking.Add(peer);

    /// <summary>The peer is done with what was taken for it, whatever came of it; what did not come may be asked of others, from where it broke off.</summary>
    /// <returns>Bytes that count no more: those of a tensor that must come from one peer alone, which did not give all of it.</returns>
    public long GiveBack(IReadOnlyList<FetchRange> taken)
    {
        long lost = 0;
        foreach (FetchRange range in taken)
        {
            Blob blob = _blobs[range.Blob];
            if (!IsWanted(range))
                continue;
            blob.Pieces[range.Piece].IsAsked = false;
            if (blob.IsSole && blob.Pieces[range.Piece].Left > 0)
                lost += blob.Reset();
        }

        return lost;
    }

    /// <summary>A peer is asked no more for now: what was to come from it alone comes from another, from the start.</summary>
    /// <returns>Bytes that count no more.</returns>
    public long Leave(PeerId peer) => _blobs.Where(blob => !blob.IsFinished && blob.Owner == peer).Sum(blob => blob.Reset());

    /// <summary>A whole tensor is what its hash says.</summary>
    public void Finish(int blob)
    {
        _blobs[blob].IsFinished = true;
        _open--;
    }

    /// <summary>A whole tensor is not what its hash says: it is to come again.</summary>
    /// <returns>Who handed it out, where it was one peer alone.</returns>
    public PeerId? Wrong(int index)
    {
        Blob blob = _blobs[index];
        PeerId? liar = !blob.HadPieces && blob.Sources.Count == 1 ? blob.Sources.Single() : null;
        if (liar is { } peer)
            _liars.Add(peer);
        else
            blob.IsSole = true;
        blob.Reset();
        return liar;
    }

    private bool MayAsk(PeerId peer, int index)
    {
        Blob blob = _blobs[index];
        return !blob.IsFinished && !blob.Lacking.Contains(peer) && (blob.Owner is not { } owner || owner == peer);
    }

    private int NextPiece(int blob) => Array.FindIndex(_blobs[blob].Pieces, piece => !piece.IsAsked && piece.Left > 0);

    private sealed class Blob
    {
        public Blob(long length, bool[] here)
        {
            Pieces = [.. here.Select((isHere, index) => new Piece(index * (long)WeightsLimits.PieceBytes, Math.Min(WeightsLimits.PieceBytes, length - (index * (long)WeightsLimits.PieceBytes)), isHere))];
            HadPieces = here.Contains(true);
        }

        public Piece[] Pieces { get; }

        // From an earlier process: nobody knows by whom.
        public bool HadPieces { get; private set; }

        public HashSet<PeerId> Sources { get; } = [];

        public HashSet<PeerId> Lacking { get; } = [];

        // To come from one peer alone, and from whom.
        public bool IsSole { get; set; }

        public PeerId? Owner { get; set; }

        public bool IsFinished { get; set; }

        public int Attempt { get; private set; }

        public long Reset()
        {
            Attempt++;
            long lost = Pieces.Sum(piece => piece.Length - piece.Left);
            foreach (Piece piece in Pieces)
                (piece.Left, piece.IsAsked) = (piece.Length, false);
            Sources.Clear();
            HadPieces = false;
            Owner = null;
            return lost;
        }
    }

    private sealed class Piece(long offset, long length, bool isHere)
    {
        public long Offset => offset;

        public long Length => length;

        public long Left { get; set; } = isHere ? 0 : length;

        public bool IsAsked { get; set; }
    }
}
