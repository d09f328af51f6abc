using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Swarm.Cli.Commands;
using Swarm.Cli.Framework;
using Swarm.Testing;

namespace Swarm.Cli.Tests.Serving;

/// <summary>Every setting of <c>serve</c> by flag, by environment and by file, and what is said of one that is wrong.</summary>
public sealed class ServeSettingsTests
{
    // A value that differs from the default for each; a setting that is new is to be given one here.
    private static readonly Dictionary<string, string> Samples = new(StringComparer.Ordinal)
    {
        ["--model"] = "random:8MiB:q8_0",
        ["--join"] = "swarm1abc",
        ["--dial"] = "127.0.0.1:31330",
        ["--blocks"] = "3:7",
        ["--memory"] = "3GiB",
        ["--weights"] = "q8_0",
        ["--listen"] = "127.0.0.1:31331",
        ["--threads"] = "1023",
        ["--context"] = "77",
        ["--reference"] = "true",
        ["--drain-seconds"] = "7.5",
        ["--nice"] = "4",
        ["--max-upload"] = "10Mbit",
        ["--metrics"] = "127.0.0.1:9090",
        ["--log"] = "Swarm.Dht=debug",
        ["--public"] = "true",
        ["--json"] = "true",
        ["--no-color"] = "true",
    };

    private static readonly CommandTree Tree = new(AllCommands.Create());

    private static readonly ISetting[] Settings =
        [.. ((CommandDefinition)new ServeCommand()).Settings.Concat(CommonSettings.Everywhere).Where(setting => setting.ConfigKey is not null && setting != CommonSettings.Home)];

    public static TheoryData<string> Flags => [.. Settings.Select(setting => setting.Flag)];

    [Theory]
    [MemberData(nameof(Flags))]
    public void Setting_ByFlagEnvironmentAndFile_IsTheSame(string flag)
    {
        using TemporaryFolder folder = new();
        ISetting setting = Settings.Single(setting => setting.Flag == flag);
        Assert.True(Samples.TryGetValue(flag, out string? sample), $"{flag}: give it a sample value in this test");
        string environmentName = "SWARM_" + flag[2..].Replace('-', '_').ToUpperInvariant();
        File.WriteAllText(folder.File("swarm.json"), JsonSerializer.Serialize(new Dictionary<string, string> { [setting.ConfigKey!] = sample }));
        ConfigFile file = ConfigFile.Load(folder.File("swarm.json"), [setting.ConfigKey!]);
        ConfigFile empty = ConfigFile.Load(folder.File("none"), []);
        ParseResult without = Tree.Parse(["serve"]);
        ParseResult with = Tree.Parse(sample == "true" ? ["serve", flag] : ["serve", flag, sample]);

        string standard = Value(setting, without, null, empty);
        string byFlag = Value(setting, with, null, empty);
        Assert.NotEqual(standard, byFlag);
        Assert.Equal(byFlag, Value(setting, without, name => name == environmentName ? sample : null, empty));
        Assert.Equal(byFlag, Value(setting, without, null, file));

        // Flag above environment above file.
        Assert.Equal(byFlag, Value(setting, with, name => name == environmentName ? "nonsense" : null, file));
    }

    [Theory]
    [InlineData("""{ "threads": 2, "nice": 20 }""", "nice in {path}:1: '20', expected an integer from 0 to 19")]
    [InlineData("{\n  // as usual\n  \"threads\": 2,\n  \"maxUpload\": \"fast\"\n}", "maxUpload in {path}:4: 'fast', expected a rate such as 10Mbit")]
    [InlineData("{\n  \"maxupload\": \"10Mbit\"\n}", "{path}:2: unknown key 'maxupload'; the nearest is 'maxUpload'")]
    [InlineData("{\n  \"nice\": 1,\n  \"nice\": 2\n}", "{path}:3: nice is given twice, first in line 2")]
    [InlineData("{\n  \"nice\": [1]\n}", "{path}:2: nice is an array, expected text, a number or a boolean")]
    [InlineData("{\n  \"nice\": 1\n", "{path}:3: not JSON")]
    [InlineData("{ \"nice\": 1 } 7", "{path}:1: not JSON")]
    [InlineData("", "{path}:1: not JSON")]
    [InlineData("[1]", "{path}: an array, expected an object")]
    public async Task File_WithAMistake_IsNamedWithItsPlaceBeforeAnythingIsBegun(string text, string expected)
    {
        using TemporaryFolder home = new();
        File.WriteAllText(home.File("swarm.json"), text);
        StringWriter error = new();
        CliHost host = new()
        {
            Input = Stream.Null,
            Output = Stream.Null,
            Error = error,
            Environment = _ => null,
            Time = TimeProvider.System,
        };
        int exit = await SwarmProgram.RunAsync(["serve", "--home", home.Path, "--listen", "127.0.0.1:0", "--model", "nowhere"], host);
        Assert.Equal(ExitCode.Usage, exit);
        Assert.Contains(expected.Replace("{path}", home.File("swarm.json"), StringComparison.Ordinal), error.ToString(), StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(home.Path));
    }

    [Theory]
    [InlineData("10Mbit", 1_250_000)]
    [InlineData("500kbit", 62_500)]
    [InlineData("1.5 Gbit/s", 187_500_000)]
    [InlineData("2MiB", 2 << 20)]
    [InlineData("2MB/s", 2_000_000)]
    [InlineData("20000", 20_000)]
    public void Rate_BitsOrBytes_IsRead(string text, long expected) => Assert.Equal(expected, Values.Rate(text));

    [Theory]
    [InlineData("10Mbps")]
    [InlineData("Mbit")]
    [InlineData("-1Mbit")]
    [InlineData("99999999999999999Gbit")]
    [InlineData("100kbit")] // below the least
    [InlineData("")]
    public void Rate_Nonsense_SaysWhatWasExpected(string text) =>
        Assert.StartsWith("a rate such as 10Mbit", Assert.Throws<FormatException>(() => Values.Rate(text)).Message, StringComparison.Ordinal);

    private static string Value(ISetting setting, ParseResult parsed, Func<string, string?>? environment, ConfigFile file)
    {
        MethodInfo resolve = setting.GetType().GetMethod("Resolve")!;
        object? value = resolve.Invoke(setting, [parsed, environment ?? (_ => null), file]);
        return value is Swarm.Cli.Logging.LogLevels levels
            ? string.Join(',', levels.Categories)
            : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
    }
}
