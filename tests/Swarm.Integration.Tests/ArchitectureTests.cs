using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Swarm.Testing;

namespace Swarm.Integration.Tests;

/// <summary>Who may know whom: kernels nothing; models and protocol the kernels; the hub the models; node and client both of these, but never each other; the simulation and the program all.</summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Swarm.Kernels"] = [],
        ["Swarm.Models"] = ["Swarm.Kernels"],
        ["Swarm.Hub"] = ["Swarm.Models", "Swarm.Kernels"],
        ["Swarm.Protocol"] = ["Swarm.Kernels"],
        ["Swarm.Node"] = ["Swarm.Protocol", "Swarm.Models", "Swarm.Kernels"],
        ["Swarm.Client"] = ["Swarm.Protocol", "Swarm.Models", "Swarm.Kernels"],
        ["Swarm.Simulation"] = ["Swarm.Node", "Swarm.Client", "Swarm.Protocol", "Swarm.Models", "Swarm.Kernels"],
        ["Swarm.Cli"] = ["Swarm.Simulation", "Swarm.Hub", "Swarm.Node", "Swarm.Client", "Swarm.Protocol", "Swarm.Models", "Swarm.Kernels"],
    };

    /// <summary>What the part that computes has no business with.</summary>
    private static readonly string[] ForbiddenToKernels = ["System.Net.", "System.IO.", "Microsoft.Extensions.", "Microsoft.AspNetCore.", "Google.Protobuf"];

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    [Fact]
    public void SourceFolder_Projects_AreThoseOfTheDesign()
    {
        IEnumerable<string> found = Directory.GetDirectories(Path.Combine(TestData.Root, "src")).Where(folder => Directory.GetFiles(folder, "*.csproj").Length > 0).Select(folder => Path.GetFileName(folder)!);

        Assert.Equal(Allowed.Keys.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_References_FollowTheDesign(string project)
    {
        XDocument file = XDocument.Load(Path.Combine(TestData.Root, "src", project, project + ".csproj"));
        string[] references = [.. file.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))];

        Assert.Empty(references.Except(Allowed[project]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Assembly_References_FollowTheDesign(string project)
    {
        string[] references = References(project == "Swarm.Cli" ? "swarm" : project);

        Assert.Empty(references.Where(name => name.StartsWith("Swarm.", StringComparison.Ordinal)).Except(Allowed[project]));
        Assert.DoesNotContain("xunit.core", references);
    }

    [Fact]
    public void Kernels_References_AreOnlyOfThePlainRuntime()
    {
        string[] references = References("Swarm.Kernels");

        Assert.NotEmpty(references);
        Assert.DoesNotContain(references, name => ForbiddenToKernels.Any(forbidden => name.StartsWith(forbidden, StringComparison.Ordinal)));
    }

    [Fact]
    public void NodeAndClient_NeverKnowEachOther()
    {
        Assert.DoesNotContain("Swarm.Client", References("Swarm.Node"));
        Assert.DoesNotContain("Swarm.Node", References("Swarm.Client"));
    }

    /// <summary>Read from the file, so that nothing is loaded.</summary>
    private static string[] References(string assembly)
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));
        MetadataReader metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }
}
