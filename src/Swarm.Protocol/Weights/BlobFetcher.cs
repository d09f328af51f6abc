using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Weights;

/// <summary>
/// Brings tensors from the nodes of a model into a store: several peers at once, those first that serve a tensor's block. Who breaks off is followed by another from where it stopped; who
/// hands out wrong bytes is asked no more, and reported.
/// </summary>
/// <param name="holders">Who may have them.</param>
/// <param name="client">Asks them.</param>
/// <param name="store">Where tensors go.</param>
/// <param name="time">The clock.</param>
/// <param name="random">Chooses among equals.</param>
public sealed class BlobFetcher(IBlobHolders holders, WeightsClient client, BlobStore store, TimeProvider time, IRandomSource random)
{
    private long _receivedBytes;

    /// <summary>Bytes of tensors that came, those that were thrown away included.</summary>
    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    /// <summary>Brings what is missing. What came before it ends by an exception stays, and the next call goes on from there.</summary>
    /// <param name="wanted">Different hashes.</param>
    /// <param name="progress">Told the bytes that are here of what was missing.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SwarmException">TensorNotHeld: no node hands a tensor out; the message names it.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    public async Task FetchAsync(IReadOnlyList<BlobWanted> wanted, Action<long>? progress, CancellationToken cancellationToken)
    {
        BlobWanted[] missing = [.. wanted.Where(blob => store.Find(blob.Sha256.Span) is null)];
        using var run = new Run(this, missing, progress, cancellationToken);
        await run.RunAsync();
    }

    // One call of FetchAsync.
    private sealed class Run : IDisposable
    {
        // Transfers run beside each other: all below is touched under it.
        private readonly Lock _lock = new();
        private readonly BlobFetcher _fetcher;
        private readonly BlobWanted[] _wanted;
        private readonly BlobDraft?[] _drafts;
        private readonly FetchPlan _plan;
        private readonly Action<long>? _progress;
        private readonly CancellationToken _cancellationToken;
        private readonly Dictionary<PeerId, TimeSpan> _resting = [];
        private readonly Dictionary<PeerId, int> _failures = [];
        private readonly long _start;
        private SwarmException? _last;
        private long _bytes;
        private TimeSpan _cameAt;

        public Run(BlobFetcher fetcher, BlobWanted[] wanted, Action<long>? progress, CancellationToken cancellationToken)
        {
            _fetcher = fetcher;
            _wanted = wanted;
            _progress = progress;
            _cancellationToken = cancellationToken;
            _start = fetcher.Time.GetTimestamp();
            _drafts = new BlobDraft?[wanted.Length];
            try
            {
                _plan = new FetchPlan(wanted, index => Draft(index).Here);

                // Thousands of open files would be too many: they are opened again when something comes.
                for (int index = 0; index < wanted.Length; index++)
                    Close(index);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        private TimeSpan Now => _fetcher.Time.GetElapsedTime(_start);

        public async Task RunAsync()
        {
            for (int index = 0; index < _wanted.Length; index++)
            {
                // What an earlier process had brought as a whole, but not looked at.
                if (_plan.IsWhole(index))
                    Conclude(index, null);
            }

            var working = new Dictionary<(PeerId Peer, int Way), Task>();
            try
            {
                while (!_plan.IsDone)
                {
                    _cancellationToken.ThrowIfCancellationRequested();
                    lock (_lock)
                        Begin(working);
                    if (working.Count == 0)
                    {
                        await WaitForPeersAsync();
                        continue;
                    }

                    await Task.WhenAny(working.Values);
                    foreach ((PeerId Peer, int Way) way in working.Where(pair => pair.Value.IsCompleted).Select(pair => pair.Key).ToArray())
                    {
                        working.Remove(way, out Task? done);
                        await done!;
                    }
                }
            }
            finally
            {
                await Task.WhenAll(working.Values.Select(EndedAsync));
            }
        }

        public void Dispose()
        {
            foreach (BlobDraft? draft in _drafts)
                draft?.Dispose();
        }

        // Peers that may have something and are not resting, those first that serve a missing block, in random order among equals.
        private void Begin(Dictionary<(PeerId Peer, int Way), Task> working)
        {
            HashSet<PeerId> busy = [.. working.Keys.Select(way => way.Peer)];
            NodeEntry[] nodes =
            [
                .. _fetcher.Holders.Nodes
                    .Select(node => (Node: node, Serves: _plan.Missing.Any(blob => Likely(node, blob)), Order: _fetcher.Random.NextUInt64()))
                    .OrderBy(node => busy.Contains(node.Node.Peer) ? 1 : 0).ThenBy(node => node.Serves ? 0 : 1).ThenBy(node => node.Order)
                    .Select(node => node.Node),
            ];
            for (int way = 0; way < WeightsLimits.MaxTransfersOfCaller; way++)
            {
                foreach (NodeEntry node in nodes)
                {
                    if (working.Count >= WeightsLimits.MaxPeers || working.ContainsKey((node.Peer, way)) || IsResting(node.Peer))
                        continue;
                    IReadOnlyList<FetchRange> taken = _plan.Take(node.Peer, blob => Likely(node, blob));
                    if (taken.Count > 0)
                        working.Add((node.Peer, way), WorkAsync(node, taken));
                }
            }
        }

        private bool IsResting(PeerId peer) => _resting.TryGetValue(peer, out TimeSpan until) && Now < until;

        // Nobody can be asked now: those who are busy or failed are asked again later, and others may come.
        private async Task WaitForPeersAsync()
        {
            bool hope;
            lock (_lock)
            {
                hope = _fetcher.Holders.Nodes.Any(node => _plan.MayHave(node.Peer));
                TimeSpan idle = Now - _cameAt;
                if (idle > WeightsLimits.Patience || (!hope && idle > WeightsLimits.LongestWait))
                    throw NotHeld();
            }

            await Task.Delay(WeightsLimits.FirstWait, _fetcher.Time, _cancellationToken);
            if (!hope)
                await _fetcher.Holders.RefreshAsync(_cancellationToken);
        }

        private SwarmException NotHeld()
        {
            BlobWanted[] missing = [.. _plan.Missing];
            string cause = _last is null ? "" : $" ({_last.Message})";
            string others = missing.Length == 1 ? "" : $"; {missing.Length - 1} more are missing";
            return new SwarmException(
                FaultKind.TensorNotHeld,
                $"tensor {missing[0].Name}: none of the {_fetcher.Holders.Nodes.Count} nodes known of the model hands it out{cause}{others}", inner: _last);
        }

        private async Task WorkAsync(NodeEntry node, IReadOnlyList<FetchRange> taken)
        {
            PeerId peer = node.Peer;
            // The others first get their share: a quick peer shall not have asked for everything by then.
            await Task.Yield();
            try
            {
                while (taken.Count > 0)
                {
                    await AskAsync(node, taken);
                    lock (_lock)
                        taken = Next(node, taken);
                }
            }
            catch (SwarmException exception)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                if (exception.Fault != FaultKind.NoCapacity)
                    _fetcher.Holders.ReportFailure(peer, exception.Fault);
                lock (_lock)
                {
                    _last = exception;
                    Rest(peer);
                }
            }
            finally
            {
                lock (_lock)
                    _bytes -= _plan.Leave(peer);
            }
        }

        // What to ask next of a peer that has answered; nothing where it answered without giving what it does not say that it lacks.
        private IReadOnlyList<FetchRange> Next(NodeEntry node, IReadOnlyList<FetchRange> answered)
        {
            if (answered.Any(range => _plan.IsUnanswered(node.Peer, range)))
            {
                Rest(node.Peer);
                return [];
            }

            _failures.Remove(node.Peer);
            return _plan.Take(node.Peer, blob => Likely(node, blob));
        }

        private async Task AskAsync(NodeEntry node, IReadOnlyList<FetchRange> taken)
        {
            var received = new long[taken.Count];
            List<BlobRange> ranges = [.. taken.Select(range => new BlobRange
            {
                Sha256 = _wanted[range.Blob].Sha256, Offset = (ulong)range.Offset, Length = (ulong)range.Length,
            })];
            try
            {
                await _fetcher.Client.FetchAsync(
                    node.Endpoint, ranges,
                    (index, total, data) => Receive(node, taken[index], ref received[index], total, data.Span),
                    index =>
                    {
                        lock (_lock)
                            _plan.NotHeld(node.Peer, taken[index]);
                    },
                    _cancellationToken);
            }
            finally
            {
                lock (_lock)
                    _bytes -= _plan.GiveBack(taken);
            }
        }

        private void Receive(NodeEntry node, FetchRange range, ref long received, long total, ReadOnlySpan<byte> data)
        {
            Interlocked.Add(ref _fetcher._receivedBytes, data.Length);
            lock (_lock)
                Keep(node, range, ref received, total, data);
        }

        private void Keep(NodeEntry node, FetchRange range, ref long received, long total, ReadOnlySpan<byte> data)
        {
            BlobWanted blob = _wanted[range.Blob];
            if (total != blob.Length)
            {
                _plan.NotHeld(node.Peer, range);
                throw new SwarmException(FaultKind.WrongTensor, $"{node.Endpoint}: tensor {blob.Name} has {total} bytes there, expected {blob.Length}", node.Peer);
            }

            if (!_plan.IsWanted(range))
                return;
            Draft(range.Blob).Write(range.Offset + received, data);
            received += data.Length;
            _bytes += data.Length;
            _cameAt = Now;
            if (_plan.Received(node.Peer, range, data.Length))
            {
                Draft(range.Blob).Note(range.Piece);
                if (_plan.IsWhole(range.Blob))
                    Conclude(range.Blob, node.Peer);
            }

            _progress?.Invoke(_bytes);
        }

        // The whole is here: it is what its hash says, or somebody handed out something else.
        private void Conclude(int index, PeerId? peer)
        {
            BlobWanted blob = _wanted[index];
            if (Draft(index).TryFinish())
            {
                _plan.Finish(index);
                Close(index);
                return;
            }

            _bytes = Math.Max(0, _bytes - blob.Length);
            if (_plan.Wrong(index) is not { } liar)
                return;
            _last = new SwarmException(FaultKind.WrongTensor, $"peer {liar.Short}: tensor {blob.Name} is not what its hash says", liar);
            _fetcher.Holders.ReportFailure(liar, FaultKind.WrongTensor);
            if (liar == peer)
                throw _last;
        }

        private void Rest(PeerId peer)
        {
            int failures = _failures[peer] = _failures.GetValueOrDefault(peer) + 1;
            double wait = Math.Min(WeightsLimits.LongestWait.TotalSeconds, WeightsLimits.FirstWait.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 10)));
            _resting[peer] = Now + _fetcher.Random.Jitter(TimeSpan.FromSeconds(wait), 0.25);
        }

        private static bool Likely(NodeEntry node, BlobWanted blob) => blob.Block is not { } block || (node.Blocks.First <= block && block < node.Blocks.End);

        private BlobDraft Draft(int index) => _drafts[index] ??= _fetcher.Store.Begin(_wanted[index].Sha256, _wanted[index].Length);

        private void Close(int index)
        {
            _drafts[index]?.Dispose();
            _drafts[index] = null;
        }

        // A transfer that ends with this call; its own trouble is told already, or nobody wants to know it.
        private static async Task EndedAsync(Task task)
        {
            try
            {
                await task;
            }
            catch (Exception exception) when (exception is SwarmException or OperationCanceledException or IOException)
            {
                // The call ends by its own cause.
            }
        }
    }

    private IBlobHolders Holders => holders;

    private WeightsClient Client => client;

    private BlobStore Store => store;

    private TimeProvider Time => time;

    private IRandomSource Random => random;
}
