using Google.Protobuf;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Models.Files;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;

namespace Swarm.Client;

/// <summary>
/// Which of a swarm's models the files at hand are. They are known by their configuration; the identity binds the manifest's hash, so a manifest that gives the
/// identity is the right one, whoever sent it. Where the nodes have the ends, no tensor is read: that the tokenizer at hand is the model's then rests on the configuration alone.
/// </summary>
internal sealed class ModelFinding(ModelSource source, KernelSet kernels, SwarmMember member, EndsMode ends, Action<long, long>? fetched)
{
    private string? _seen;
    private Exception? _cause;

    /// <summary>Finds the model.</summary>
    /// <exception cref="SwarmException">NoRoute: no model is served now. ModelMismatch: others are; the message names them.</exception>
    public async Task<FoundModel> FindAsync(SwarmInvite invite, CancellationToken cancellationToken)
    {
        // The model that the invite names is most likely the one: one look-up instead of two.
        ByteString named = ByteString.CopyFrom(invite.ModelIdentity.Span);
        if (!named.IsEmpty && await TryAsync(named, cancellationToken) is { } invited)
            return invited;
        ByteString configHash = ByteString.CopyFrom(ModelIdentity.ConfigHash(source.Config));
        IReadOnlyList<ModelEntry> served = await member.Models.FindAsync(cancellationToken);
        foreach (ModelEntry candidate in served)
        {
            if (candidate.Identity != named && candidate.ConfigHash == configHash && await TryAsync(candidate.Identity, cancellationToken) is { } found)
                return found;
        }

        if (served.Count == 0)
            throw new SwarmException(FaultKind.NoRoute, $"blocks {source.Config.AllBlocks}: no node of the swarm serves any model now");
        string names = string.Join(", ", served.Select(model => $"{model.Name} ({Convert.ToHexStringLower(model.Identity.Span)[..12]}{(model.Weights is "" or ModelIdentity.StoredWeights ? "" : $", weights {model.Weights}")})"));
        throw new SwarmException(
            FaultKind.ModelMismatch, _seen is null
                ? $"{source.Name} under {kernels.NumericsClass} is not served; the swarm serves {names}"
                : $"{_seen}; the swarm serves {names}", inner: _cause);
    }

    private async Task<FoundModel?> TryAsync(ByteString candidate, CancellationToken cancellationToken)
    {
        SwarmDirectory directory = member.OpenDirectory(candidate, source.Config.Blocks);
        try
        {
            await directory.RefreshAsync(cancellationToken);
            if (await member.Models.GetManifestAsync(directory, cancellationToken) is { } bytes)
            {
                ModelManifest manifest = ModelManifest.Parse(bytes);
                if (source.As(manifest, kernels.NumericsClass, candidate.Span) is { } served)
                {
                    var identity = new ModelIdentity(Convert.ToHexStringLower(candidate.Span));
                    return new FoundModel(identity, ends == EndsMode.Local ? await LoadEndsAsync(served, manifest, cancellationToken) : null, directory);
                }

                ModelIdentity own = ModelIdentity.Compute(source.Config, manifest, kernels.NumericsClass, source.Weights);
                _seen = $"{source.Name} with weights {ModelIdentity.WeightsName(source.Weights)} under {kernels.NumericsClass} would be {own.Short}: configuration, weights or numerics class differ";
            }
        }
        catch (ModelException exception) when (exception.Error == ModelError.CorruptModel)
        {
            // Another model of the same shape, or a lie about the manifest.
            _seen = $"{source.Name} is not the model {Convert.ToHexStringLower(candidate.Span)[..12]}: {exception.Message}";
            _cause = exception;
        }
        catch
        {
            await directory.DisposeAsync();
            throw;
        }

        await directory.DisposeAsync();
        return null;
    }

    private async Task<ModelEnds> LoadEndsAsync(ModelSource served, ModelManifest manifest, CancellationToken cancellationToken)
    {
        IReadOnlyList<TensorInfo> tensors = served.TensorsOf(EndParts.Both);
        long missing = served.Tensors.MissingBytes(tensors);
        await served.Tensors.EnsureAsync(tensors, fetched is null ? null : bytes => fetched(bytes, missing), cancellationToken);
        return ModelEnds.Load(served, kernels, manifest, cancellationToken);
    }
}
