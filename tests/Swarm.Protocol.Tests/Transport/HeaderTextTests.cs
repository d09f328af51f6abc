using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

public sealed class HeaderTextTests
{
    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100 %", "100 %25")]
    [InlineData("ü\n", "%C3%BC%0A")]
    [InlineData("~", "~")]
    public void StatusText_Encode_IsPercentEncodedUtf8(string text, string wire)
    {
        Assert.Equal(wire, StatusText.Encode(text));
        Assert.Equal(text, StatusText.Decode(wire));
    }

    [Theory]
    [InlineData("50%", "50%")]
    [InlineData("%2", "%2")]
    [InlineData("%zz%41", "%zzA")]
    public void StatusText_DecodeOfWhatIsNotEncoded_StaysAsItIs(string wire, string text) => Assert.Equal(text, StatusText.Decode(wire));

    [Fact]
    public void StatusText_RandomText_ComesBack()
    {
        var random = new Random(17);
        for (int round = 0; round < 500; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => char.ConvertFromUtf32(random.Next(2) == 0 ? random.Next(0x80) : random.Next(0xE000, 0x10FFFF))));
            string wire = StatusText.Encode(text);
            Assert.All(wire, c => Assert.InRange(c, ' ', '~'));
            Assert.Equal(text, StatusText.Decode(wire));
        }
    }

    [Fact]
    public void StatusText_VeryLong_IsCutBetweenCharacters()
    {
        string decoded = StatusText.Decode(StatusText.Encode(new string('€', 5000)));
        Assert.Equal(new string('€', 2048 / 3), decoded);
    }

    [Theory]
    [InlineData(1, "1u")]
    [InlineData(10, "1u")]
    [InlineData(11, "2u")]
    [InlineData(TimeSpan.TicksPerSecond * 90, "90000000u")]
    [InlineData(TimeSpan.TicksPerSecond * 100, "100000m")]
    [InlineData(TimeSpan.TicksPerDay * 2, "172800S")]
    [InlineData(TimeSpan.TicksPerDay * 3650, "87600H")]
    public void TimeoutText_Encode_HasAtMostEightDigitsAndNeverLess(long ticks, string wire)
    {
        Assert.Equal(wire, TimeoutText.Encode(TimeSpan.FromTicks(ticks)));
        Assert.True(TimeoutText.TryDecode(wire, out TimeSpan decoded));
        Assert.True(decoded.Ticks >= ticks);
    }

    [Theory]
    [InlineData("99999999H")]
    [InlineData("99999999M")]
    [InlineData("1n")]
    [InlineData("0S")]
    public void TimeoutText_Extremes_Decode(string wire) => Assert.True(TimeoutText.TryDecode(wire, out _));

    [Fact]
    public void HeaderCodec_BinaryValues_PaddedOrNotAndJoined_AllArrive()
    {
        var metadata = new Metadata();
        HeaderCodec.Add(metadata, "a-bin", "AQ==,AQI, AQID,!!,AQIDB");
        Assert.Equal([[1], [1, 2], [1, 2, 3]], metadata.GetAll("a-bin").Select(entry => entry.ValueBytes));
    }

    [Theory]
    [InlineData("grpc-status")]
    [InlineData("grpc-encoding")]
    [InlineData(":path")]
    [InlineData("te")]
    [InlineData("Content-Type")]
    public void HeaderCodec_ReservedNames_StayOut(string name)
    {
        var metadata = new Metadata();
        HeaderCodec.Add(metadata, name, "x");
        Assert.Empty(metadata);
    }

    [Fact]
    public void Metadata_BadKeys_Throw()
    {
        Assert.Throws<ArgumentException>(() => new Metadata { { "a b", "x" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "", "x" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "a-bin", "x" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "a", [1] } });
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "x"));
    }
}
