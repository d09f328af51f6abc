using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;

namespace Swarm.Node.Hosting;

/// <summary>How a node comes to its model's manifest: from others who serve the model, or, where nobody does, by hashing its tensors.</summary>
internal static class ModelFinding
{
    /// <summary>Finds the model that the options' files are, or brings it into the swarm.</summary>
    /// <exception cref="SwarmException">ModelMismatch: the invite is for another model.</exception>
    public static async Task<FoundModel> FindAsync(NodeOptions options, SwarmMember member, CancellationToken cancellationToken)
    {
        ModelConfig config = options.Source.Config;
        ByteString configHash = ByteString.CopyFrom(ModelIdentity.ConfigHash(config));
        IReadOnlyList<ModelEntry> served = await member.Models.FindAsync(cancellationToken);
        foreach (ModelEntry candidate in served)
        {
            if (candidate.ConfigHash != configHash || candidate.Blocks != config.Blocks)
                continue;
            SwarmDirectory directory = member.OpenDirectory(candidate.Identity, candidate.Blocks);
            await directory.RefreshAsync(cancellationToken);
            if (await member.Models.GetManifestAsync(directory, cancellationToken) is { } bytes && TryRead(bytes) is { } manifest)
            {
                if (options.Source.As(manifest, options.Kernels.NumericsClass, candidate.Identity.Span) is { } same)
                    return Described(new FoundModel(new ModelIdentity(Convert.ToHexStringLower(candidate.Identity.Span)), manifest, false, directory, same), options, candidate);
            }

            await directory.DisposeAsync();
        }

        string wanted = Convert.ToHexStringLower(options.Invite.ModelIdentity.Span);
        if (served.FirstOrDefault(model => Convert.ToHexStringLower(model.Identity.Span) == wanted) is { } named && named.ConfigHash != configHash)
            throw Mismatch(options, "another configuration", wanted, served);
        bool isNew = options.Source.Manifest is null;
        ModelManifest own = options.Source.Manifest ?? await HashAsync(options.Source, cancellationToken);
        ModelSource? source = wanted.Length > 0 ? options.Source.As(own, options.Kernels.NumericsClass, options.Invite.ModelIdentity.Span) : options.Source;
        ModelIdentity brought = ModelIdentity.Compute(config, own, options.Kernels.NumericsClass, (source ?? options.Source).Weights);
        if (source is null)
            throw Mismatch(options, brought.Short, wanted, served);
        return Described(new FoundModel(brought, own, isNew, member.OpenDirectory(ByteString.CopyFrom(brought.ToBytes()), config.Blocks), source), options, null);
    }

    private static async Task<ModelManifest> HashAsync(ModelSource source, CancellationToken cancellationToken)
    {
        await source.Tensors.EnsureAsync(source.Tensors.Tensors, cancellationToken: cancellationToken);
        return ModelManifest.Create(source.Tensors, cancellationToken: cancellationToken);
    }

    // Whoever wrote the invite says which tokenizer and template are the model's, else those who serve it, where they agree, else this node. One whose files say otherwise (the tensors are
    // the same) hands its own to nobody.
    private static FoundModel Described(FoundModel found, NodeOptions options, ModelEntry? served)
    {
        ByteString own = options.Source.Description is { } description ? ByteString.CopyFrom(description.ComputeHash()) : ByteString.Empty;
        ByteString invited = options.Invite.ModelIdentity.Span.SequenceEqual(found.Identity.ToBytes()) ? ByteString.CopyFrom(options.Invite.DescriptionHash.Span) : ByteString.Empty;
        ByteString expected = !invited.IsEmpty ? invited
            : served?.DescriptionHashes is [var only] ? ByteString.CopyFrom(Convert.FromHexString(only))
            : own;
        return found with { Description = expected, Vouched = own == expected ? own : ByteString.Empty };
    }

    private static ModelManifest? TryRead(byte[] bytes)
    {
        try
        {
            return ModelManifest.Parse(bytes);
        }
        catch (ModelException)
        {
            // Whoever sent it serves something else than it says; others, or the files themselves, will tell.
            return null;
        }
    }

    private static SwarmException Mismatch(NodeOptions options, string seen, string wanted, IReadOnlyList<ModelEntry> served)
    {
        string own = ModelIdentity.WeightsName(options.Source.Weights);
        string? theirs = served.FirstOrDefault(model => Convert.ToHexStringLower(model.Identity.Span) == wanted)?.Weights;
        string with = theirs is { Length: > 0 } && theirs != own ? $" with weights {theirs}" : "";
        return new SwarmException(
            FaultKind.ModelMismatch,
            $"{options.Source.Name} with weights {own} under {options.Kernels.NumericsClass} would be {seen}, the invite is for {wanted[..12]}{with}: configuration, tensors, weights or numerics class differ");
    }
}
