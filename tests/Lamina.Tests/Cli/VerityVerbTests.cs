using System.Security.Cryptography.X509Certificates;
using Lamina.Boot;
using Lamina.Tests.Boot;
using Lamina.Tests.Oracles;
using Lamina.Tests.Verity;
using Lamina.Trust;

namespace Lamina.Tests.Cli;

public class VerityVerbTests
{
    private readonly string _folder = CliRun.NewFolderWithLayers();

    [Fact]
    public void What_format_prints_is_what_veritysetup_takes()
    {
        Tools.Require("veritysetup");
        string image = At("base.erofs");
        System.Text.Json.JsonElement json = CliRun.Of("verity", "format", image, "--salt", "00ff", "--json").Json();
        string root = json.GetProperty("rootHash").GetString()!;
        string[] words = json.GetProperty("openLine").GetString()!.Split(' ');
        Assert.Equal(["veritysetup", "open", image, "NAME", image, root], words[..6]);
        Tools.Run("veritysetup", ["verify", image, .. words[4..]]).MustSucceed();
        Assert.Equal($"lamina.roothash={root}", json.GetProperty("commandLine").GetString());
        Assert.Equal(root, CliRun.Of("verity", "inspect", image, "--json").Json().GetProperty("rootHash").GetString());
        CliRun.Of("verity", "verify", image, "--root-hash", root.ToUpperInvariant()).MustSucceed();
        Assert.Contains("dm-verity superblock", CliRun.Of("dump", image).MustSucceed().Output);
        Assert.Contains("dm-verity tree", CliRun.Of("inspect", image).MustSucceed().Output);
    }

    [Theory]
    [InlineData("keyUsage=keyEncipherment", "its key usage is KeyEncipherment")]
    [InlineData("extendedKeyUsage=serverAuth", "is not for signing code")]
    public void A_key_whose_signatures_will_be_refused_is_warned_of(string extension, string expected)
    {
        string key = At("use.key"), certificate = At("use.pem"), signature = At("use.p7s"), image = At("base.erofs");
        Tools.Run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj",
            "/CN=Use", "-addext", extension).MustSucceed();
        CliRun format = CliRun.Of("verity", "format", image, "--key", key, "--certificate", certificate,
            "--signature", signature, "--json");
        Assert.Equal(0, format.Code);
        Assert.StartsWith("lamina: warning: the certificate of CN=Use", format.Error);
        Assert.Contains(expected, format.Error);
        string root = format.Json(mayWarn: true).GetProperty("rootHash").GetString()!;
        CliRun sign = CliRun.Of("verity", "sign", "--root-hash", root, "--key", key, "--certificate", certificate,
            "-o", At("two"));
        Assert.Equal((0, format.Error), (sign.Code, sign.Error));
        CliRun verify = CliRun.Of("verity", "verify", image, "--root-hash", root, "--signature", signature, "--certificate",
            certificate);
        Assert.Equal(1, verify.Code);
        Assert.Contains(expected, verify.Output);
    }

    [Fact]
    public void A_signature_is_made_and_checked_with_files()
    {
        using X509Certificate2 signer = SignatureTests.NewSigner("CN=Signer"), other = SignatureTests.NewSigner("CN=Other");
        (string certificate, string key) = SignatureTests.Save(_folder, signer);
        string stranger = SignatureTests.Save(Scratch.NewFolder("keys"), other).Certificate;
        string image = At("base.erofs"), signature = At("base.p7s");
        string root = CliRun.Of("verity", "format", image, "--key", key, "--certificate", certificate, "--signature", signature,
            "--json").Json().GetProperty("rootHash").GetString()!;
        string again = At("again.p7s");
        CliRun.Of("verity", "sign", "--root-hash", root, "--key", key, "--certificate", certificate, "-o", again).MustSucceed();
        Assert.Equal(File.ReadAllBytes(signature), File.ReadAllBytes(again));

        CliRun good = CliRun.Of("verity", "verify", image, "--root-hash", root, "--signature", signature, "--certificate",
            certificate);
        // The test's certificate is for 2026: what is said later is that it has expired, and that is checked in any case.
        Assert.True(good.Code == 0 || good.Output.Contains("expired on 2027-01-01"), good.Output);
        CliRun bad = CliRun.Of("verity", "verify", image, "--root-hash", root, "--signature", signature, "--certificate",
            stranger);
        Assert.Equal(1, bad.Code);
        Assert.Contains($"{signature}: it was made with another certificate than that of CN=Other", bad.Output);
        Assert.Equal(4, CliRun.Of("verity", "sign", "--root-hash", root, "--key", key, "--certificate", certificate, "-o",
            again).Code);
        Assert.Equal(2, CliRun.Of("verity", "verify", image, "--root-hash", root, "--signature", signature).Code);
        Assert.Equal(2, CliRun.Of("verity", "format", image, "--key", key).Code);
    }

    [Theory]
    [InlineData("--salt", "0g")]
    [InlineData("--salt", "abc")]
    [InlineData("--algorithm", "sha1")]
    [InlineData("--block-size", "1000")]
    [InlineData("--format", "gpt")]
    [InlineData("--output", "disk.img")]
    public void Wrong_usage_of_format_is_told_and_changes_nothing(string option, string value)
    {
        byte[] before = File.ReadAllBytes(At("base.erofs"));
        CliRun run = CliRun.Of("verity", "format", At("base.erofs"), option, value);
        Assert.Equal(2, run.Code);
        Assert.StartsWith("lamina: ", run.Error);
        Assert.Equal(before, File.ReadAllBytes(At("base.erofs")));
    }

    [Fact]
    public void What_is_missing_is_told()
    {
        CliRun none = CliRun.Of("verity", "inspect", At("base.erofs"));
        Assert.Equal((1, true), (none.Code, none.Error.Contains("there is no dm-verity tree behind the image")));
        string root = new('0', 64);
        Assert.Equal(3, CliRun.Of("verity", "verify", At("base.erofs"), "--root-hash", root).Code);
        Assert.Equal(2, CliRun.Of("verity", "verify", At("base.erofs"), "--root-hash", "1234").Code);
        Assert.Equal(3, CliRun.Of("mount", "--root-hash", root, At("base.erofs"), _folder).Code);
        Assert.Equal(2, CliRun.Of("mount", "--root-hash", root, "--no-verify", At("base.erofs"), _folder).Code);
        Assert.Equal(2, CliRun.Of("mount", "--hash-file", root, At("base.erofs"), _folder).Code);
    }

    [Fact]
    public void Check_follows_a_root_hash_to_the_devices()
    {
        string index = At("index.erofs"), layers = $"@{At("base.erofs")}@{At("app.erofs")}";
        CliRun.Of("verity", "format", At("base.erofs")).MustSucceed();
        string root = CliRun.Of("merge", "--mode", "index", "--verity", At("base.erofs"), At("app.erofs"), "-o", index,
            "--json").Json()
            .GetProperty("verity").GetProperty("rootHash").GetString()!;
        CliRun good = CliRun.Of("check", "--root-hash", root, index + layers).MustSucceed();
        Assert.Contains("is what the root hash says, with all that it refers to", good.Output);
        TrustChainTests.Flip(At("base.erofs"), 9000);
        CliRun bad = CliRun.Of("check", "--root-hash", root, index + layers);
        Assert.Equal(1, bad.Code);
        Assert.Contains($"device 1: {At("base.erofs")} is damaged", bad.Output);
        System.Text.Json.JsonElement json = System.Text.Json.JsonDocument.Parse(
            CliRun.Of("check", "--json", "--root-hash", root, index + layers).Output).RootElement.GetProperty("rootHash");
        Assert.False(json.GetProperty("sound").GetBoolean());
    }

    [Fact]
    public void Archives_and_unified_images_carry_the_root_hash()
    {
        string archive = At("initrd.img"), efi = At("linux.efi"), kernel = At("vmlinuz");
        FakeKernel.Write(kernel);
        string made = CliRun.Of("initrd", "-o", archive, "--verity", "--form", "in-place", "--init", kernel,
            "--layer", At("base.erofs"), "--layer", At("app.erofs"), "--json").Json(mayWarn: true)
            .GetProperty("commandLine").GetString()!;
        BootTrust trust = BootOptions.Parse(made).Trust!;
        Assert.NotNull(trust.Main);
        Assert.Single(trust.Lists);
        const string stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
        Assert.SkipUnless(File.Exists(stub), "systemd-stub is not installed (systemd-boot-efi)");
        string line = CliRun.Of("uki", "-o", efi, "--kernel", kernel, "--initrd", archive, "--cmdline", "quiet", "--verity",
            "--json")
            .Json().GetProperty("commandLine").GetString()!;
        Assert.Equal($"quiet {made}", line);
        Assert.Equal(2, CliRun.Of("uki", "-o", efi, "--force", "--kernel", kernel, "--initrd", archive, "--verity", "--cmdline",
            $"lamina.roothash={new string('1', 64)}").Code);

        string root = CliRun.Of("verity", "format", At("base.erofs"), "--json").Json().GetProperty("rootHash").GetString()!;
        line = CliRun.Of("uki", "-o", efi, "--force", "--kernel", kernel, "--verity", At("base.erofs"), "--json")
            .Json().GetProperty("commandLine").GetString()!;
        Assert.Equal($"lamina.roothash={root}", line);
        Assert.Equal(2, CliRun.Of("uki", "-o", efi, "--force", "--kernel", kernel, "--verity").Code);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("12", false)]
    [InlineData("A,A", false)]
    [InlineData("A", true)]
    [InlineData("A,base.erofs:B,list:C", true)]
    [InlineData("base.erofs:A,base.erofs:B", false)]
    [InlineData(":A", false)]
    public void The_option_reads_what_it_writes(string pattern, bool isSound)
    {
        string value = pattern.Replace("A", new string('a', 64)).Replace("B", new string('b', 128)).Replace("C",
            new string('c', 64));
        BootTrust? trust = BootTrust.TryParse(value);
        Assert.Equal(isSound, trust is not null);
        if (!isSound)
            return;
        Assert.Equal(value, trust!.ToString());
        BootOptions options = new() { Trust = trust, HashDevice = "/dev/vdb", Corruption = Lamina.Trust.CorruptionAction.Panic };
        BootOptions again = BootOptions.Parse(options.ToString());
        Assert.Equal((options.Trust.ToString(), options.HashDevice, options.Corruption),
            (again.Trust!.ToString(), again.HashDevice, again.Corruption));
        Assert.Empty(again.Unknown);
    }

    private string At(string name) => Path.Combine(_folder, name);
}
