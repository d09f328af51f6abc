using System.Text;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Testing;
using Swarm.Testing.Fuzzing;
using Swarm.Testing.Hub;
using Xunit.Abstractions;

namespace Swarm.Hub.Tests.Fuzzing;

/// <summary>What a hub, or whoever stands in for it, may say.</summary>
public sealed class HubFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Listing_BrokenAnswer_FailsOnlyAsPromised()
    {
        byte[] seed = Encoding.UTF8.GetBytes(
            $$"""
            {"id":"o/n","sha":"{{new string('a', 40)}}","gated":"auto","siblings":[
            {"rfilename":"config.json","size":300,"blobId":"{{new string('b', 40)}}" },
            {"rfilename":"BF16/m-BF16-00001-of-00002.gguf","size":12,"blobId":"{{new string('c', 40)}}","lfs":{"sha256":"{{new string('d', 64)}}","size":123456,"pointerSize":134} },
            {"rfilename":"m.Q4_K_M.gguf","size":5,"blobId":"{{new string('e', 40)}}" } ] }
            """);
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "list of a hub",
                Seeds = [seed],
                Mutators = [new JsonMutator(), new JsonMutator(), new ByteMutator()],
                Parse = bytes =>
                {
                    var listing = RepositoryListing.Parse("o/n", bytes, "hub");
                    Assert.All(listing.Files, file => Assert.False(Path.IsPathRooted(file.Path) || file.Path.Split('/', '\\').Contains("..") || file.Size < -1));
                    return FileSelection.Choose(HubReference.Parse("o/n:Q4_K_M"), listing.Files).Files.Count > 0 ? "chosen" : "empty";
                },
                TypedError = exception => (exception as ModelException)?.Error.ToString(),
                PassedHeader = (_, error) => error is null || !error.Message.Contains("not JSON", StringComparison.Ordinal),
            },
            output);
    }

    [Fact]
    public void Head_BrokenFile_NeverAsksForMoreThanThereIsAndAgreesWithTheReader()
    {
        byte[] gguf = File.ReadAllBytes(TestData.Path("gguf/small.gguf"));
        byte[] safetensors = ShardedLlama.Files(blocks: 1, shards: 1)["model.safetensors"][..4096];
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "head of a file",
                Seeds = [gguf, gguf, safetensors],
                Mutators = [new ByteMutator { Fields = [4, 8, 16], Signature = 24 }],
                Parse = bytes =>
                {
                    bool isGguf = bytes.AsSpan().StartsWith("GGUF"u8);
                    (bool isWhole, long needed) = FileHead.Find(isGguf ? "m.gguf" : "m.safetensors", bytes, long.MaxValue);
                    Assert.True(isWhole ? needed <= bytes.Length : needed > bytes.Length || needed >= 0, $"{isWhole}, {needed} of {bytes.Length}");
                    if (isGguf && TryOpen(bytes, out long data))
                        Assert.True(isWhole && needed <= data, $"the reader's tensors begin at {data}, the head ends at {needed}");
                    return isWhole ? "whole" : "more";
                },
                TypedError = exception => (exception as ModelException)?.Error.ToString(),
                PassedHeader = (_, error) => error?.Message.Contains("magic", StringComparison.Ordinal) != true,
            },
            output);
    }

    [Fact]
    public void Record_BrokenFile_IsHeldForNone()
    {
        var file = new RepositoryFile("m.gguf", 1000, new string('a', 64));
        byte[] seed = Encoding.UTF8.GetBytes($$"""{"etag":"{{file.ETag}}","size":1000,"ranges":[[0,100],[200,300],[900,1000]]}""");
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "record of ranges",
                Seeds = [seed],
                Mutators = [new JsonMutator(), new ByteMutator()],
                Parse = bytes =>
                {
                    RangeSet? here = PartialFile.ParseRecord(bytes, file);
                    Assert.True(here is null || here.Ranges.All(range => range.Start >= 0 && range.End <= file.Size), "a range outside the file");
                    return here is null ? "none" : "taken";
                },
                TypedError = _ => null,
                PassedHeader = (_, error) => error is null,
            },
            output);
    }

    private static bool TryOpen(byte[] bytes, out long data)
    {
        data = 0;
        try
        {
            using GgufFile file = GgufFile.Open(new MappedFile("m.gguf", bytes));
            data = file.Tensors.Select(tensor => tensor.Offset).DefaultIfEmpty(long.MaxValue).Min();
            return true;
        }
        catch (ModelException)
        {
            return false;
        }
    }
}
