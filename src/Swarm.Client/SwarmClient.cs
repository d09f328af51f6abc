using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>
/// A model whose blocks are in a swarm. Prompts become hidden states here and only those travel; that is no secrecy: who computes the first blocks can
/// recover the prompt from them.
/// </summary>
public sealed class SwarmClient : LanguageModel
{
    private readonly KernelSet _kernels;
    private readonly RemoteBlockChain _chain;

    private SwarmClient(
        ModelSource source, KernelSet kernels, ModelEnds ends, RemoteBlockChain chain, ModelIdentity identity, SwarmClientOptions options)
        : base(source, ends, chain, options.Context, options.Time)
    {
        _kernels = kernels;
        _chain = chain;
        Identity = identity;
    }

    /// <summary>The model that the swarm serves and this client holds the ends of.</summary>
    public ModelIdentity Identity { get; }

    /// <summary>Nodes known: announcements as they were last heard.</summary>
    public IReadOnlyList<NodeAnnouncement> Nodes => [.. _chain.Snapshot.Entries.Select(entry => entry.Announcement)];

    /// <summary>Connects to a swarm: learns its nodes, and checks that it serves the model at hand.</summary>
    /// <exception cref="SwarmException">InvalidInvite, PeerUnreachable, VersionMismatch, ModelMismatch.</exception>
    /// <exception cref="ModelException">What is wrong with the model's files.</exception>
    public static async Task<SwarmClient> ConnectAsync(SwarmClientOptions options, CancellationToken cancellationToken = default)
    {
        ModelSource source = options.Source ?? ModelSource.Open(options.Model ?? ModelSource.DefaultName, options.ModelsFolders);
        KernelSet kernels = options.Kernels ?? new CpuKernels(Environment.ProcessorCount);
        ITransport transport = options.Transport ?? new GrpcTransport();
        try
        {
            return await ConnectAsync(options, source, kernels, transport, cancellationToken);
        }
        catch
        {
            await transport.DisposeAsync();
            kernels.Dispose();
            source.Dispose();
            throw;
        }
    }

    /// <summary>Loads a whole model into this process; no swarm.</summary>
    /// <exception cref="ModelException">What is wrong with its files.</exception>
    public static LocalModel OpenLocal(LocalModelOptions options, CancellationToken cancellationToken = default) =>
        LocalModel.Load(options, cancellationToken);

    /// <summary>Asks the directory anew.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken = default) => _chain.RefreshAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _kernels.Dispose();
    }

    private static async Task<SwarmClient> ConnectAsync(
        SwarmClientOptions options, ModelSource source, KernelSet kernels, ITransport transport, CancellationToken cancellationToken)
    {
        Invite invite = InviteText.Parse(options.Invite);
        PeerAddress[] bootstrap = options.Dial is { } dial ? [dial] : [.. invite.Addresses.Select(PeerAddress.Parse)];
        var directory = new DirectoryClient(transport, options.Time, options.Patience);
        (DirectoryList snapshot, PeerAddress address) = await FirstAnswerAsync(directory, bootstrap, cancellationToken);
        if (snapshot.Swarm != invite.Swarm)
            throw new SwarmException(FaultKind.InvalidInvite, $"{address}: belongs to another swarm than the invite");

        // The identity binds the manifest's hash: a manifest that gives the swarm's identity is the right one, whoever sent it.
        ModelManifest manifest = ModelManifest.Parse(await directory.GetManifestAsync(address, snapshot.ModelIdentity, cancellationToken));
        ModelIdentity identity = ModelIdentity.Compute(source.Config, manifest, kernels.NumericsClass);
        string served = Convert.ToHexStringLower(snapshot.ModelIdentity.Span);
        if (identity.Hex != served)
        {
            throw new SwarmException(
                FaultKind.ModelMismatch,
                $"{source.Name} under {kernels.NumericsClass} would be {identity.Short}, the swarm serves {served[..Math.Min(12, served.Length)]}: configuration or numerics class differs");
        }

        ModelEnds ends;
        try
        {
            ends = ModelEnds.Load(source, kernels, manifest, cancellationToken);
        }
        catch (ModelException exception) when (exception.Error == ModelError.CorruptModel)
        {
            throw new SwarmException(FaultKind.ModelMismatch, $"{source.Name} is not the model of the swarm: {exception.Message}", inner: exception);
        }

        var chain = new RemoteBlockChain(options, transport, source.Config, snapshot.ModelIdentity, directory, bootstrap, snapshot);
        return new SwarmClient(source, kernels, ends, chain, identity, options);
    }

    private static async Task<(DirectoryList Snapshot, PeerAddress Address)> FirstAnswerAsync(
        DirectoryClient directory, IReadOnlyList<PeerAddress> addresses, CancellationToken cancellationToken)
    {
        SwarmException? last = null;
        foreach (PeerAddress address in addresses)
        {
            try
            {
                return (await directory.ListAsync(address, cancellationToken), address);
            }
            catch (SwarmException exception) when (exception.Fault == FaultKind.PeerUnreachable)
            {
                last = exception;
            }
        }

        throw last ?? new SwarmException(FaultKind.InvalidInvite, "the invite has no addresses");
    }
}
