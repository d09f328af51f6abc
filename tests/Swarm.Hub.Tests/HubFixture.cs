using Swarm.Models;
using Swarm.Testing;
using Swarm.Testing.Hub;

namespace Swarm.Hub.Tests;

/// <summary>A hub, an empty cache and a store between them.</summary>
internal sealed class HubFixture : IAsyncDisposable
{
    public const string Repository = "maker/model";

    private readonly TemporaryFolder _folder = new();
    private readonly List<HubStore> _stores = [];

    private HubFixture(TestHub hub) => Hub = hub;

    public TestHub Hub { get; }

    public string Cache => _folder.File("hub");

    public string Folder => Path.Combine(Cache, "models--maker--model");

    public HubOptions Options => new()
    {
        Endpoint = Hub.Endpoint,
        CacheFolder = Cache,
        Time = TimeProvider.System,
        Random = () => 0.5,
        PieceBytes = 1 << 20,
        FirstWait = TimeSpan.FromMilliseconds(1),
    };

    public static async Task<HubFixture> StartAsync() => new(await TestHub.StartAsync());

    public HubStore Open(Func<HubOptions, HubOptions>? change = null)
    {
        var store = new HubStore(change is null ? Options : change(Options));
        _stores.Add(store);
        return store;
    }

    /// <summary>Bytes without a pattern.</summary>
    public static byte[] Noise(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static async Task<ModelException> FailsAsync(ModelError error, Func<Task> work)
    {
        ModelException exception = await Assert.ThrowsAsync<ModelException>(work);
        Assert.True(error == exception.Error, $"{exception.Error}: {exception.Message}");
        return exception;
    }

    /// <summary>Files below the repository's folder that are no links, without locks.</summary>
    public string[] StoredFiles() => !Directory.Exists(Folder) ? [] : [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
        .Where(path => new FileInfo(path).LinkTarget is null).Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        _stores.ForEach(store => store.Dispose());
        await Hub.DisposeAsync();
        _folder.Dispose();
    }
}
