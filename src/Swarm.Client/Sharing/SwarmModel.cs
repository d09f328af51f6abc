using System.Security.Cryptography;
using Google.Protobuf;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Weights;

namespace Swarm.Client;

/// <summary>
/// Opens the model that a swarm serves, without a file of it: its manifest and description come from nodes, its tensors when they are asked for. Configuration and tensors are checked
/// against the model's identity, which the manifest's hash is part of; the description (tokenizer, template) against the hash that the invite vouches for, or, where that names none, that
/// all nodes agree on.
/// </summary>
public static class SwarmModel
{
    // What tells a model at hand from another of the same shape: its tensors up to this size.
    private const long ComparedBytes = 256 << 10;

    /// <summary>Opens the model that the invite names, else the one that most nodes serve.</summary>
    /// <exception cref="SwarmException">
    /// NoRoute: no model is served. ModelMismatch: nobody hands out what gives the model's identity, or nodes disagree about its description. TensorNotHeld: nobody hands out the
    /// description. Else as joining the swarm.
    /// </exception>
    /// <exception cref="ModelException">The description makes no sense.</exception>
    public static async Task<ModelSource> OpenAsync(SwarmModelOptions options, CancellationToken cancellationToken = default)
    {
        await using SwarmMember member = NewMember(options);
        IReadOnlyList<ModelEntry> served;
        try
        {
            await member.JoinAsync(
                options.Bootstrap ?? [.. options.Invite.Addresses.Select(address => (PeerEndpoint)address)], mayBeAlone: false, cancellationToken);
            served = await member.Models.FindAsync(cancellationToken);
        }
        catch (SwarmException exception) when (exception.Fault == FaultKind.PeerUnreachable && Remembered(options) is { } source)
        {
            return source;
        }

        if (Choose(options.Invite, served) is not { } model)
        {
            return Remembered(options) ?? throw new SwarmException(
                FaultKind.NoRoute, served.Count == 0
                    ? "no node of the swarm serves any model now"
                    : $"the invite is for {Short(options.Invite.ModelIdentity.Span)}, which no node serves now; the swarm serves {string.Join(", ", served.Select(entry => $"{entry.Name} ({Short(entry.Identity.Span)})"))}");
        }

        await using SwarmDirectory directory = member.OpenDirectory(model.Identity, model.Blocks);
        await directory.RefreshAsync(cancellationToken);
        return await OpenAsync(options, member, directory, model, cancellationToken);
    }

    internal static SwarmMember NewMember(SwarmModelOptions options) => new(new MemberOptions
    {
        Key = PeerKey.Create(),
        OwnsKey = true,
        Invite = options.Invite,
        Transport = options.Transport ?? (credentials => new GrpcTransport(new TransportOptions { Credentials = credentials, TimeProvider = options.Time })),
        IsClient = true,
        Patience = options.Patience,
        Time = options.Time,
        Random = options.Random,
    });

    private static ModelEntry? Choose(SwarmInvite invite, IReadOnlyList<ModelEntry> served) => invite.ModelIdentity.IsEmpty
        ? served.FirstOrDefault()
        : served.FirstOrDefault(model => model.Identity.Span.SequenceEqual(invite.ModelIdentity.Span));

    private static async Task<ModelSource> OpenAsync(
        SwarmModelOptions options, SwarmMember member, SwarmDirectory directory, ModelEntry model, CancellationToken cancellationToken)
    {
        var store = new BlobStore(options.Folder);
        var client = new WeightsClient(member.Transport, options.Time);
        Exception? cause = null;
        ModelDescription? description = null;
        ByteString descriptionHash = ByteString.Empty;
        ModelSource? atHand = options.AtHand?.Invoke();
        try
        {
            bool maybeAtHand = atHand is not null && model.ConfigHash.Span.SequenceEqual(ModelIdentity.ConfigHash(atHand.Config));
            foreach (NodeEntry node in directory.Snapshot.Nodes)
            {
                try
                {
                    byte[] bytes = await member.Client.GetManifestAsync(node.Endpoint, model.Identity, cancellationToken);
                    ModelManifest manifest = ModelManifest.Parse(bytes);
                    if (maybeAtHand && atHand!.As(manifest, options.NumericsClass, model.Identity.Span) is { } same && IsSame(same, manifest))
                    {
                        atHand = null;
                        return same;
                    }

                    if (description is null)
                    {
                        descriptionHash = ExpectedDescription(options.Invite, model);
                        description = ModelDescription.Parse(await FindDescriptionAsync(store, client, directory, descriptionHash, cancellationToken), $"description of {model.Name}");
                    }

                    ModelSource source = Make(options, model.Identity, model.Name, model.Blocks, description, manifest, directory.Snapshot.Nodes.Select(known => known.Endpoint));
                    if (source.As(manifest, options.NumericsClass, model.Identity.Span) is { } served)
                    {
                        Remember(store, options, model, bytes, descriptionHash);
                        return served;
                    }

                    source.Dispose();
                    cause = new SwarmException(FaultKind.WrongTensor, $"{node.Endpoint}: its manifest, with the model's configuration, is not that of {Short(model.Identity.Span)} under {options.NumericsClass}", node.Peer);
                }
                catch (Exception exception) when (exception is SwarmException { Fault: not (FaultKind.TensorNotHeld or FaultKind.ModelMismatch) } or ModelException { Error: ModelError.CorruptModel })
                {
                    cause = exception;
                }

                directory.ReportFailure(node.Peer, (cause as SwarmException)?.Fault ?? FaultKind.WrongTensor);
            }
        }
        finally
        {
            atHand?.Dispose();
        }

        throw new SwarmException(FaultKind.ModelMismatch, $"no node hands out a manifest of {model.Name} ({Short(model.Identity.Span)}) that is right: {cause?.Message ?? "no node is there"}", inner: cause);
    }

    private static ByteString ExpectedDescription(SwarmInvite invite, ModelEntry model)
    {
        if (!invite.DescriptionHash.IsEmpty && invite.ModelIdentity.Span.SequenceEqual(model.Identity.Span))
            return ByteString.CopyFrom(invite.DescriptionHash.Span);
        return model.DescriptionHashes switch
        {
            [var only] => ByteString.CopyFrom(Convert.FromHexString(only)),
            [] => throw new SwarmException(
                FaultKind.TensorNotHeld, $"no node hands out the configuration and tokenizer of {model.Name}; --model names files of it, or, of a model made from a seed, how it is made"),
            var several => throw new SwarmException(
                FaultKind.ModelMismatch,
                $"nodes disagree about tokenizer and template of {model.Name}: {string.Join(", ", several.Select(hash => hash[..12]))}; a new invite of somebody you trust says which, or --model names files"),
        };
    }

    private static async Task<byte[]> FindDescriptionAsync(BlobStore store, WeightsClient client, SwarmDirectory directory, ByteString hash, CancellationToken cancellationToken)
    {
        if (store.ReadWhole(hash.Span, WeightsLimits.MaxDescriptionBytes) is { } kept)
            return kept;
        SwarmException? last = null;
        foreach (NodeEntry node in directory.Snapshot.Nodes)
        {
            try
            {
                byte[] bytes = await client.FetchWholeAsync(node.Endpoint, hash, WeightsLimits.MaxDescriptionBytes, cancellationToken);
                store.Put(bytes);
                return bytes;
            }
            catch (SwarmException exception)
            {
                last = exception;
                if (exception.Fault is not (FaultKind.TensorNotHeld or FaultKind.NoCapacity))
                    directory.ReportFailure(node.Peer, exception.Fault);
            }
        }

        throw new SwarmException(
            FaultKind.TensorNotHeld, $"no node hands out the model's description {Short(hash.Span)}: {last?.Message ?? "no node is there"}", inner: last);
    }

    private static ModelSource Make(
        SwarmModelOptions options, ByteString identity, string name, int blocks, ModelDescription description, ModelManifest manifest, IEnumerable<PeerEndpoint> known) =>
        ModelSource.FromContent(name, $"{name} of the swarm", description, manifest, new PeerContent(options, identity, blocks, known));

    private static void Remember(BlobStore store, SwarmModelOptions options, ModelEntry model, byte[] manifest, ByteString description)
    {
        try
        {
            store.Put(manifest);
            new ModelRecord(
                Convert.ToHexStringLower(model.Identity.Span), options.Invite.Swarm.ToString(), model.Name, model.Blocks, Convert.ToHexStringLower(description.Span),
                Convert.ToHexStringLower(SHA256.HashData(manifest))).Write(options.Folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(ModelError.NoCapacity, $"the model cannot be kept in {options.Folder}: {exception.Message}", exception);
        }
    }

    // What the folder knows of the swarm's model, where nobody can be asked.
    private static ModelSource? Remembered(SwarmModelOptions options)
    {
        var store = new BlobStore(options.Folder);
        string named = Convert.ToHexStringLower(options.Invite.ModelIdentity.Span);
        ModelRecord? record = ModelRecord.ReadAll(options.Folder).FirstOrDefault(
            record => record.Swarm == options.Invite.Swarm.ToString() && (named.Length == 0 || record.Identity == named));
        if (record is null
            || store.ReadWhole(Convert.FromHexString(record.Description), WeightsLimits.MaxDescriptionBytes) is not { } description
            || store.ReadWhole(Convert.FromHexString(record.Manifest), ModelManifest.MaxBytes) is not { } manifest)
            return null;
        ByteString identity = ByteString.CopyFrom(Convert.FromHexString(record.Identity));
        ModelManifest parsed = ModelManifest.Parse(manifest);
        ModelSource source = Make(options, identity, record.Name, record.Blocks, ModelDescription.Parse(description, $"description of {record.Name}"), parsed, []);
        if (source.As(parsed, options.NumericsClass, identity.Span) is { } served)
            return served;
        source.Dispose();
        return null;
    }

    private static bool IsSame(ModelSource source, ModelManifest manifest)
    {
        if (source.Tensors.Tensors.Count != manifest.Entries.Count)
            return false;
        foreach (TensorInfo tensor in source.Tensors.Tensors)
        {
            if (!manifest.TryGet(tensor.Name, out ManifestEntry entry) || entry.StoredType != tensor.StoredType || !entry.Shape.SequenceEqual(tensor.Shape))
                return false;
            if (tensor.ByteLength <= ComparedBytes && !entry.Sha256.Span.SequenceEqual(source.Tensors.Sha256(tensor)))
                return false;
        }

        return true;
    }

    private static string Short(ReadOnlySpan<byte> hash) => Convert.ToHexStringLower(hash)[..Math.Min(12, 2 * hash.Length)];
}
