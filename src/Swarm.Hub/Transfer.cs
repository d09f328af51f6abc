using System.Collections.Concurrent;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>Brings ranges of files: in pieces, several at a time, each again from where it broke.</summary>
internal sealed class Transfer(HubClient client, HubOptions options)
{
    // Less than this is no progress: a hub that drops every connection after some bytes must not be asked forever.
    private const long LeastProgress = 1 << 16;

    /// <summary>Brings what of the wanted ranges is not here.</summary>
    /// <param name="repository"><c>org/name</c>.</param>
    /// <param name="commit">Where the files were found.</param>
    /// <param name="wanted">Files and what of them is wanted.</param>
    /// <param name="progress">Told from several threads, one at a time.</param>
    /// <param name="cancellationToken">Ends the transfer; what came stays.</param>
    public async Task RunAsync(string repository, string commit, IReadOnlyList<(PartialFile File, ByteRange Range)> wanted, Action<HubProgress>? progress, CancellationToken cancellationToken)
    {
        var pieces = new ConcurrentQueue<(PartialFile File, ByteRange Range)>();
        long of = 0;
        foreach ((PartialFile file, ByteRange range) in wanted)
        {
            foreach (ByteRange missing in file.Missing(range))
            {
                of += missing.Length;
                for (long start = missing.Start; start < missing.End; start += options.PieceBytes)
                    pieces.Enqueue((file, new ByteRange(start, Math.Min(missing.End, start + options.PieceBytes))));
            }
        }

        if (pieces.IsEmpty)
            return;
        CheckRoom(of);
        var told = new Lock();
        long transferred = 0;
        void Tell(PartialFile file, int bytes)
        {
            lock (told)
            {
                transferred += bytes;
                progress?.Invoke(new HubProgress(file.File.Path, file.Length, file.File.Size, Math.Min(transferred, of), of));
            }
        }

        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        async Task WorkAsync()
        {
            while (!failed.IsCancellationRequested && pieces.TryDequeue(out (PartialFile File, ByteRange Range) piece))
            {
                try
                {
                    await FetchAsync(repository, commit, piece.File, piece.Range, Tell, failed.Token);
                }
                catch (Exception exception)
                {
                    if (exception is ModelException { Error: ModelError.ChecksumMismatch })
                        piece.File.Forget(piece.Range);
                    await failed.CancelAsync();
                    throw;
                }
            }
        }

        Task[] workers = [.. Enumerable.Range(0, Math.Min(options.Connections, pieces.Count)).Select(_ => WorkAsync())];
        try
        {
            await Task.WhenAll(workers);
        }
        catch
        {
            // The others were cancelled because of one: that one tells why.
            Exception? reason = workers.Select(worker => worker.Exception?.InnerException).FirstOrDefault(exception => exception is not (null or OperationCanceledException));
            if (reason is not null && !cancellationToken.IsCancellationRequested)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(reason);
            throw;
        }
        finally
        {
            foreach (PartialFile file in wanted.Select(one => one.File).Distinct())
                file.Save();
        }
    }

    private async Task FetchAsync(string repository, string commit, PartialFile file, ByteRange piece, Action<PartialFile, int> tell, CancellationToken cancellationToken)
    {
        var retrying = new Retrying(options, options.Retries);
        while (!await retrying.RunAsync(TryAsync, cancellationToken))
        {
            // It broke, but came further: tries are counted anew.
        }

        async Task<bool> TryAsync(CancellationToken token)
        {
            long came = 0;
            try
            {
                foreach (ByteRange missing in file.Missing(piece))
                {
                    await client.FetchAsync(
                        repository, commit, file.File, missing,
                        (offset, bytes) =>
                        {
                            Put(file, offset, bytes);
                            came += bytes.Length;
                            tell(file, bytes.Length);
                        },
                        token);
                }

                return true;
            }
            catch (TransientException exception) when (came >= LeastProgress && exception.After is null)
            {
                return false;
            }
        }
    }

    private void Put(PartialFile file, long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            file.Write(offset, bytes);
        }
        catch (IOException exception)
        {
            throw new ModelException(
                exception.HResult is 28 or unchecked((int)0x80070070) ? ModelError.DiskFull : ModelError.HubUnreachable,
                $"{file.File.Path} cannot be written to {options.CacheFolder}: {exception.Message}", exception);
        }
    }

    private void CheckRoom(long bytes)
    {
        if (options.FreeBytes(options.CacheFolder) is { } free && bytes > free)
        {
            throw new ModelException(
                ModelError.DiskFull, $"{bytes} bytes have to come, but the disk of {options.CacheFolder} has room for {free}; HF_HUB_CACHE names a folder elsewhere, 'swarm models rm' makes room");
        }
    }
}
