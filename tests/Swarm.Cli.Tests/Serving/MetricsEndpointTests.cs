using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Swarm.Cli.Serving;
using Swarm.Node;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Tests.Serving;

/// <summary>What the endpoint answers, and when a node counts as ready.</summary>
public sealed class MetricsEndpointTests
{
    [Fact]
    public async Task Readyz_FollowsTheNodesEvents()
    {
        Readiness readiness = new();
        await using MetricsEndpoint endpoint = await StartAsync(() => readiness.Obstacle);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: loading\n"), await GetAsync(endpoint, "/readyz"));
        readiness.Observe(new NodeReady(default, endpoint.Address, "", "", "", default, 0, 0, 0, 0, 0));
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync(endpoint, "/readyz"));
        readiness.Observe(new NodeSessionOpened("s", 1));
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync(endpoint, "/readyz"));
        NodeState state = NodeState.Paused;
        readiness.Follow(() => state);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: paused\n"), await GetAsync(endpoint, "/readyz"));
        state = NodeState.Unreachable;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: unreachable\n"), await GetAsync(endpoint, "/readyz"));
        state = NodeState.Serving;
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync(endpoint, "/readyz"));
        readiness.Observe(new NodeDraining(1));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: draining\n"), await GetAsync(endpoint, "/readyz"));
        readiness.Observe(new NodeStopped(0));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: stopped\n"), await GetAsync(endpoint, "/readyz"));
        Assert.Equal((HttpStatusCode.OK, "alive\n"), await GetAsync(endpoint, "/healthz"));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/metrics/")]
    [InlineData("/Metrics")]
    [InlineData("/readyz/x")]
    public async Task OtherPaths_AreNotFound(string path)
    {
        await using MetricsEndpoint endpoint = await StartAsync(() => null);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(endpoint, path)).Status);
    }

    [Fact]
    public async Task Metrics_ComeInTheFormatThatTheirTypeNames()
    {
        await using MetricsEndpoint endpoint = await StartAsync(() => null);
        using HttpClient client = new();
        using HttpResponseMessage response = await client.GetAsync($"http://{endpoint.Address}/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("# TYPE dotnet_process_memory_working_set_bytes gauge\n", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OtherMethods_AreRefused_HeadHasNoBody()
    {
        await using MetricsEndpoint endpoint = await StartAsync(() => null);
        using HttpClient client = new();
        using HttpResponseMessage post = await client.PostAsync($"http://{endpoint.Address}/healthz", null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
        Assert.Equal(["GET", "HEAD"], post.Content.Headers.Allow);
        using HttpResponseMessage head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"http://{endpoint.Address}/healthz"));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(6, head.Content.Headers.ContentLength);
        Assert.Equal("", await head.Content.ReadAsStringAsync());
    }

    private static Task<MetricsEndpoint> StartAsync(Func<string?> obstacle) =>
        MetricsEndpoint.StartAsync(new PeerAddress("127.0.0.1", 0), obstacle, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);

    private static async Task<(HttpStatusCode Status, string Text)> GetAsync(MetricsEndpoint endpoint, string path)
    {
        using HttpClient client = new();
        using HttpResponseMessage response = await client.GetAsync($"http://{endpoint.Address}{path}");
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
