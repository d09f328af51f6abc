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
                ModelIdentity identity = ModelIdentity.Compute(config, manifest, options.Kernels.NumericsClass);
                if (candidate.Identity.Span.SequenceEqual(identity.ToBytes()))
                    return new FoundModel(identity, manifest, false, directory);
            }

            await directory.DisposeAsync();
        }

        string wanted = Convert.ToHexStringLower(options.Invite.ModelIdentity.Span);
        if (served.FirstOrDefault(model => Convert.ToHexStringLower(model.Identity.Span) == wanted) is { } named && named.ConfigHash != configHash)
            throw Mismatch(options, "another configuration", wanted);
        await options.Source.Tensors.EnsureAsync(options.Source.Tensors.Tensors, cancellationToken: cancellationToken);
        ModelManifest own = ModelManifest.Create(options.Source.Tensors, cancellationToken: cancellationToken);
        ModelIdentity brought = ModelIdentity.Compute(config, own, options.Kernels.NumericsClass);
        if (wanted.Length > 0 && brought.Hex != wanted)
            throw Mismatch(options, brought.Short, wanted);
        return new FoundModel(brought, own, true, member.OpenDirectory(ByteString.CopyFrom(brought.ToBytes()), config.Blocks));
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

    private static SwarmException Mismatch(NodeOptions options, string seen, string wanted) => new(
        FaultKind.ModelMismatch,
        $"{options.Source.Name} under {options.Kernels.NumericsClass} would be {seen}, the invite is for {wanted[..12]}: configuration, tensors or numerics class differ");
}
