using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Weights;

namespace Swarm.Client;

/// <summary>Tensors of a swarm's model: kept in a folder by their hashes, and brought there from the model's nodes. It is a member of the swarm only while it fetches.</summary>
internal sealed class PeerContent : ITensorContent
{
    // Beside what is fetched, others of the machine need room as well.
    private const long LeastFreeBytes = 256L << 20;

    private readonly SwarmModelOptions _options;
    private readonly ByteString _identity;
    private readonly int _blocks;
    private readonly BlobStore _store;
    private ImmutableArray<PeerEndpoint> _known;

    /// <param name="options">How to become a member.</param>
    /// <param name="identity">The model, 32 bytes.</param>
    /// <param name="blocks">Blocks of the whole model.</param>
    /// <param name="known">Nodes that were there when the model was opened.</param>
    public PeerContent(SwarmModelOptions options, ByteString identity, int blocks, IEnumerable<PeerEndpoint> known)
    {
        _options = options;
        _identity = identity;
        _blocks = blocks;
        _store = new BlobStore(options.Folder);
        _known = [.. known];
    }

    public string? Find(ReadOnlySpan<byte> sha256) => _store.Find(sha256) is null ? null : _store.PathOf(sha256);

    public void Discard(ReadOnlySpan<byte> sha256) => _store.Remove(sha256);

    public async Task FetchAsync(IReadOnlyList<TensorContent> tensors, Action<long>? progress, CancellationToken cancellationToken)
    {
        try
        {
            foreach (TensorContent empty in tensors.Where(tensor => tensor.Tensor.ByteLength == 0))
                _store.Put([]);
            TensorContent[] wanted = [.. tensors.Where(tensor => tensor.Tensor.ByteLength > 0)];
            long bytes = wanted.Sum(tensor => tensor.Tensor.ByteLength);
            if (_store.FreeBytes() is { } free && free < bytes + LeastFreeBytes)
            {
                throw new ModelException(
                    ModelError.NoCapacity, $"{bytes} bytes of tensors are to come, but the disk of {_options.Folder} has {free} free, expected {LeastFreeBytes} more than that");
            }

            await FetchAsync([.. wanted.Select(tensor => new BlobWanted(
                ByteString.CopyFrom(tensor.Sha256.Span), tensor.Tensor.ByteLength, tensor.Tensor.Name, tensor.Block))], progress, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(ModelError.NoCapacity, $"tensors cannot be kept in {_options.Folder}: {exception.Message}", exception);
        }
    }

    public void Dispose()
    {
        // It holds nothing between two calls.
    }

    private async Task FetchAsync(IReadOnlyList<BlobWanted> wanted, Action<long>? progress, CancellationToken cancellationToken)
    {
        await using SwarmMember member = SwarmModel.NewMember(_options);
        await member.JoinAsync(
            [.. (_options.Bootstrap ?? [.. _options.Invite.Addresses.Select(address => (PeerEndpoint)address)]).Concat(_known)], mayBeAlone: false, cancellationToken);
        await using SwarmDirectory directory = member.OpenDirectory(_identity, _blocks);
        await directory.RefreshAsync(cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task keeping = Task.WhenAll(member.RunAsync(ended.Token), directory.RunAsync(ended.Token));
        try
        {
            var fetcher = new BlobFetcher(new DirectoryHolders(directory), new WeightsClient(member.Transport, _options.Time), _store, _options.Time, _options.Random);
            await fetcher.FetchAsync(wanted, progress, cancellationToken);
        }
        finally
        {
            _known = [.. directory.Snapshot.Nodes.Select(node => node.Endpoint)];
            await ended.CancelAsync();
            await keeping;
        }
    }
}
